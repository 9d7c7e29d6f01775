//! The desk without an ingress: drafts go in, results come out. Nothing is sent here; `tests/end_to_end/desk.rs` has the
//! pushes that are.

mod batches;
mod books;
mod faults;
mod once;
mod pushes;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fanfare_upstream::{Http, Peer, Reach, SystemResolver, TcpDialer, Upstream, UpstreamSettings, tls};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::*;
use crate::credential::Credential;
use crate::dispatch::{AppRoutes, DispatchSettings, Route};
use crate::metrics::Metrics;
use crate::provider::Provider;
use crate::provider::mattermost::{Device, Mattermost, MattermostSettings};
use crate::push::{AppId, Content, Labels, Notification, Options, Refusal, RegistrationToken};

const APP: &str = "shop";

/// An upstream that takes no connection. Dry runs ask for none.
const NOWHERE: &str = "http://127.0.0.1:1";

/// A desk, and what a test changes around it.
struct Front {
    desk: Arc<Desk>,
    admission: Arc<Admission>,
    draining: CancellationToken,
    metrics: Metrics,
}

impl Front {
    /// A desk with one app on one Mattermost push proxy, which takes pushes without a credential and is nowhere.
    fn new(max_in_flight: usize, batch: BatchSettings) -> Self {
        Self::with(max_in_flight, batch, OnceSettings::default())
    }

    fn with_once(once: OnceSettings) -> Self {
        Self::with(10, BatchSettings::default(), once)
    }

    fn with(max_in_flight: usize, batch: BatchSettings, once: OnceSettings) -> Self {
        let metrics = Metrics::default();
        let admission = Arc::new(Admission::new(max_in_flight, metrics.pushes.in_flight().clone()));
        let draining = CancellationToken::new();
        let desk = Desk::new(
            DeskSettings {
                max_wait: Duration::from_secs(20),
                deadline_margin: Duration::from_millis(50),
                batch,
                once,
            },
            routes(&metrics),
            Arc::clone(&admission),
            Dispatcher::new(DispatchSettings::default(), draining.clone()),
            metrics.pushes.clone(),
        );
        Self { desk: Arc::new(desk), admission, draining, metrics }
    }

    fn batch(&self) -> Batch {
        self.desk.open(Caller::anyone(), arrival()).unwrap()
    }

    fn refused(&self, reason: &str) -> u64 {
        let line = format!("fanfare_pushes_refused_total{{reason=\"{reason}\"}} ");
        let page = self.metrics.page();
        page.lines().find_map(|it| it.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
    }

    /// Drains as the gateway does.
    fn drain(&self) {
        self.admission.drain();
        self.draining.cancel();
    }
}

fn routes(metrics: &Metrics) -> Routes {
    let (resolver, dialer) = (Arc::new(SystemResolver), Arc::new(TcpDialer));
    let upstream = Upstream::new(UpstreamSettings::default(), resolver, dialer, metrics.upstream.clone());
    let peer = Peer {
        origin: NOWHERE.parse().unwrap(),
        identity: "".into(),
        tls: tls::client_config(Arc::new(rustls::RootCertStore::empty()), None, Http::Either).unwrap(),
        http: Http::Either,
        proxy: None,
        reach: Reach::Anywhere,
        proves_credential: false,
    };
    let settings = MattermostSettings { server_id: "server".to_owned() };
    let route = Route::new(
        AppId::parse(APP).unwrap(),
        Mattermost::try_new(settings).unwrap(),
        Credential::None,
        upstream.peer(peer).unwrap(),
        metrics.pushes.app(APP, Mattermost::KIND),
    );
    let routes = AppRoutes { mattermost: Some(Arc::new(route)), ..AppRoutes::default() };
    Routes::from_iter([(AppId::parse(APP).unwrap(), routes)])
}

fn arrival() -> Arrival {
    Arrival { at: Instant::now(), timeout: None, round_trip: Duration::ZERO }
}

/// A target, another for each number.
fn device(number: usize) -> Result<TargetDraft, Refusal> {
    Ok(TargetDraft::Mattermost(Ok(Device {
        platform: "apple_rn".to_owned(),
        token: RegistrationToken::parse(format!("900d{number:060x}")).unwrap(),
        server_id: None,
    })))
}

fn body(dry_run: bool) -> BodyDraft {
    let notification = Notification { title: "Hello".to_owned(), ..Notification::default() };
    let options = Options { dry_run, repeatable: true, ..Options::default() };
    BodyDraft {
        app: APP.to_owned(),
        content: Ok(Content { notification: Some(notification), ..Content::default() }),
        options: Ok(OptionsDraft { options, ttl: None }),
        labels: Labels::from([("order".to_owned(), "17".to_owned())]),
        accepted_at: SystemTime::UNIX_EPOCH,
    }
}

/// A draft that is checked as all are, and sent to nobody.
fn dry_run(number: usize) -> Draft {
    let (id, body) = (format!("push-{number}"), DraftBody::Own(body(true)));
    Draft { id, target: device(number), body, held: Ok(None), parent: Span::none() }
}

/// A draft that is to be sent once.
fn once(number: usize) -> Draft {
    let mut body = body(false);
    body.options = body.options.map(|draft| OptionsDraft {
        options: Options { once: true, max_wait: Some(Duration::from_secs(10)), ..draft.options },
        ..draft
    });
    Draft { body: DraftBody::Own(body), ..dry_run(number) }
}
