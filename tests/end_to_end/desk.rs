//! The desk without an ingress, in front of the simulator.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fanfare::credential::Credential;
use fanfare::desk::{
    Admission, Arrival, BatchEvent, BatchSettings, BodyDraft, Caller, Desk, DeskSettings, Draft, DraftBody,
    OnceSettings, OptionsDraft, Settled, TargetDraft,
};
use fanfare::dispatch::{AppRoutes, DispatchSettings, Dispatcher, Route, Routes};
use fanfare::metrics::Metrics;
use fanfare::provider::Provider;
use fanfare::provider::mattermost::{Device, Mattermost, MattermostSettings};
use fanfare::push::{AppId, Content, Labels, Notification, Options, Outcome, RegistrationToken};
use fanfare_simulator::{Fault, FaultRule, HangUp, Simulator, Trigger};
use fanfare_upstream::{Http, Peer, Reach, SystemResolver, TcpDialer, Upstream, UpstreamSettings, tls};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::harness::{APP, SOON, good};

/// A desk with one app on the push proxy at an origin, which takes pushes without a credential.
struct Front {
    desk: Arc<Desk>,
    upstream: Upstream,
    metrics: Metrics,
}

impl Front {
    fn new(origin: &str) -> Self {
        let metrics = Metrics::default();
        let (resolver, dialer) = (Arc::new(SystemResolver), Arc::new(TcpDialer));
        let settings = UpstreamSettings::default();
        let upstream = Upstream::new(settings, resolver, dialer, metrics.upstream.clone());
        let desk = Desk::new(
            DeskSettings {
                max_wait: SOON,
                deadline_margin: Duration::ZERO,
                batch: BatchSettings::default(),
                once: OnceSettings::default(),
            },
            routes(&upstream, &metrics, origin),
            Arc::new(Admission::new(100, Arc::default())),
            Dispatcher::new(DispatchSettings::default(), CancellationToken::new()),
            metrics.pushes.clone(),
        );
        Self { desk: Arc::new(desk), upstream, metrics }
    }

    fn swap_routes(&self, origin: &str) {
        self.desk.swap_routes(routes(&self.upstream, &self.metrics, origin));
    }
}

fn routes(upstream: &Upstream, metrics: &Metrics, origin: &str) -> Routes {
    let peer = Peer {
        origin: origin.parse().unwrap(),
        identity: "".into(),
        tls: tls::client_config(Arc::new(rustls::RootCertStore::empty()), None, Http::Either).unwrap(),
        http: Http::Either,
        proxy: None,
        reach: Reach::Anywhere,
        proves_credential: false,
    };
    let app = AppId::parse(APP).unwrap();
    let settings = MattermostSettings { server_id: "server".to_owned() };
    let route = Route::new(
        app.clone(),
        Mattermost::try_new(settings).unwrap(),
        Credential::None,
        upstream.peer(peer).unwrap(),
        metrics.pushes.app(APP, Mattermost::KIND),
    );
    [(app, AppRoutes { mattermost: Some(Arc::new(route)), ..AppRoutes::default() })].into_iter().collect()
}

fn arrival() -> Arrival {
    Arrival { at: Instant::now(), timeout: None, round_trip: Duration::ZERO }
}

/// A push to a good device, another for each number. It may be sent again where no answer came.
fn draft(number: usize) -> Draft {
    let device = Device {
        platform: "apple_rn".to_owned(),
        token: RegistrationToken::parse(good(number)).unwrap(),
        server_id: None,
    };
    let notification = Notification { title: "Hello".to_owned(), ..Notification::default() };
    let options = Options { repeatable: true, ..Options::default() };
    let body = BodyDraft {
        app: APP.to_owned(),
        content: Ok(Content { notification: Some(notification), ..Content::default() }),
        options: Ok(OptionsDraft { options, ttl: None }),
        labels: Labels::new(),
        accepted_at: SystemTime::now(),
    };
    Draft {
        id: format!("push-{number}"),
        target: Ok(TargetDraft::Mattermost(Ok(device))),
        body: DraftBody::Own(body),
        held: Ok(None),
        parent: Span::none(),
    }
}

async fn submit(desk: &Desk, number: usize) -> Settled {
    desk.submit(&Caller::anyone(), draft(number), arrival()).await.unwrap()
}

#[tokio::test]
async fn a_push_in_flight_keeps_its_route_and_the_next_takes_the_new_one() {
    let first = Simulator::builder().start().await.unwrap();
    let second = Simulator::builder().start().await.unwrap();
    // The first request is never answered, so its push is in flight until its connection ends.
    first.add_fault(FaultRule::once(Trigger::Always, Fault::Silence));
    let front = Front::new(&first.mattermost().origin());
    let desk = Arc::clone(&front.desk);
    let in_flight = tokio::spawn(async move { submit(&desk, 1).await });
    first.journal().wait_for_read(1, SOON).await.unwrap();

    front.swap_routes(&second.mattermost().origin());
    let settled = submit(&front.desk, 2).await;
    assert_eq!(settled.result.outcome, Outcome::Accepted, "{settled:?}");
    assert_eq!((first.journal().arrived(), second.journal().arrived()), (1, 1));

    // Its second attempt shows which route the push still has.
    first.disconnect(first.open_connections()[0].id, HangUp::Reset).unwrap();
    let settled = in_flight.await.unwrap();
    assert_eq!((settled.result.outcome, settled.result.attempts), (Outcome::Accepted, 2), "{settled:?}");
    assert_eq!((first.journal().arrived(), second.journal().arrived()), (2, 1));
}

#[tokio::test]
async fn a_batch_of_drafts_is_sent_and_each_settles_once() {
    const ITEMS: usize = 300;
    let simulator = Simulator::builder().start().await.unwrap();
    let front = Front::new(&simulator.mattermost().origin());
    let mut batch = front.desk.open(Caller::anyone(), arrival()).unwrap();
    let (mut offered, mut settled) = (0, Vec::new());
    let sending = async {
        while settled.len() < ITEMS {
            while offered < ITEMS
                && let Some(place) = batch.place()
            {
                place.offer(draft(offered)).unwrap();
                offered += 1;
            }
            if let BatchEvent::Settled(item) = batch.next().await {
                assert_eq!(item.result.outcome, Outcome::Accepted, "{item:?}");
                assert_eq!(item.id, format!("push-{}", item.index));
                settled.push(item.index);
            }
        }
    };
    tokio::time::timeout(2 * SOON, sending).await.unwrap();
    settled.sort_unstable();
    assert!(settled.into_iter().eq(0..ITEMS as u64));
    assert_eq!(simulator.journal().arrived(), ITEMS as u64);
    batch.close();
    assert!(batch.is_over());
}
