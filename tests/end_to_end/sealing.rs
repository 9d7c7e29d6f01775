//! Encryption beside other work: in which order one thread serves them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fanfare::credential::Credential;
use fanfare::desk::Admission;
use fanfare::dispatch::{Ask, DispatchSettings, Dispatcher, Route, Subscriptions, Terms};
use fanfare::metrics::Metrics;
use fanfare::provider::Provider;
use fanfare::provider::webpush::{Subscription, WebPush, WebPushSettings};
use fanfare::push::{AppId, Body, Content, Labels, Notification, Options, Outcome, PushId};
use fanfare::sharer::Sharer;
use fanfare_upstream::ServiceClass;
use fanfare_upstream::{Flow, Http, Peer, Reach, SystemResolver, TcpDialer, Upstream, UpstreamSettings, tls};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const PUSHES: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Encrypted,
    Stepped,
}

fn route(metrics: &Metrics) -> Route<WebPush> {
    let upstream = Upstream::new(
        UpstreamSettings::default(),
        Arc::new(SystemResolver),
        Arc::new(TcpDialer),
        metrics.upstream.clone(),
    );
    let template = Peer {
        origin: "https://subscription.invalid".parse().unwrap(),
        identity: "".into(),
        tls: tls::client_config(Arc::new(rustls::RootCertStore::empty()), None, Http::Either).unwrap(),
        http: Http::Either,
        proxy: None,
        reach: Reach::Public,
        proves_credential: false,
    };
    Route::new(
        AppId::parse("app").unwrap(),
        WebPush::try_new(WebPushSettings::default()).unwrap(),
        Credential::None,
        Subscriptions::new(Arc::new(upstream), template, None),
        metrics.pushes.app("app", WebPush::KIND),
    )
}

/// A dry run: it is encrypted, and nothing is sent. The browser's keys are those of RFC 8291, Appendix A.
fn push() -> (Subscription, Body) {
    let bytes = |text| URL_SAFE_NO_PAD.decode(text).unwrap();
    let subscription = Subscription {
        endpoint: "https://fcm.googleapis.com/wp/a".to_owned(),
        p256dh: bytes(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        ),
        auth: bytes("BTBZMqHH6r4Tts7J_aSIgg"),
    };
    let notification = Notification { title: "Hello".to_owned(), ..Notification::default() };
    let content = Content { notification: Some(notification), ..Content::default() };
    let options = Options { dry_run: true, ..Options::default() };
    let (app, accepted_at) = (AppId::parse("app").unwrap(), std::time::SystemTime::now());
    (subscription, Body { app, content, options, accepted_at, labels: Labels::new() })
}

#[tokio::test]
async fn a_flood_of_web_push_lets_all_else_run_after_each_encryption() {
    let metrics = Metrics::default();
    let route = Arc::new(route(&metrics));
    let dispatcher = Arc::new(Dispatcher::new(DispatchSettings::default(), CancellationToken::new()));
    let admission = Arc::new(Admission::new(PUSHES, Arc::default()));
    let events = Arc::<Mutex<Vec<Event>>>::default();

    let mut pushes = JoinSet::new();
    for _ in 0..PUSHES {
        let (route, dispatcher) = (Arc::clone(&route), Arc::clone(&dispatcher));
        let (admission, events) = (Arc::clone(&admission), Arc::clone(&events));
        pushes.spawn(async move {
            let mut room =
                admission.admit(ServiceClass::Interactive, [&Sharer::default(), &Sharer::default()]).unwrap();
            let ((target, body), begun) = (push(), Instant::now());
            let (flow, deadline) = (Flow::SINGLE, begun + Duration::from_secs(3600));
            let terms = &Terms { flow, begun, deadline };
            let (id, target, body) = (&PushId::random(), &target, &body);
            let ask = Ask { id, target, body, encoded: None, route: &route, terms, parent: None };
            let result = dispatcher.send(&ask, &mut room).await;
            assert_eq!(result.outcome, Outcome::Validated, "{result:?}");
            events.lock().unwrap().push(Event::Encrypted);
        });
    }
    // The other caller is two tasks that hand a ball to each other, so that one of them is ready at all times.
    let ((to_second, mut from_first), (to_first, mut from_second)) = (mpsc::channel(1), mpsc::channel(1));
    to_first.send(()).await.unwrap();
    let noted = Arc::clone(&events);
    let first = tokio::spawn(async move {
        while from_second.recv().await.is_some() {
            noted.lock().unwrap().push(Event::Stepped);
            to_second.send(()).await.unwrap();
        }
    });
    let second = tokio::spawn(async move {
        while from_first.recv().await.is_some() {
            to_first.send(()).await.unwrap();
        }
    });
    while let Some(done) = pushes.join_next().await {
        done.unwrap();
    }
    first.abort();
    second.abort();

    let events = events.lock().unwrap();
    let between: Vec<_> = events.split(|it| *it == Event::Stepped).map(<[_]>::len).collect();
    assert_eq!(between.iter().sum::<usize>(), PUSHES);
    // This runtime has one worker.
    assert!(between.iter().all(|encrypted| *encrypted <= 1), "{between:?}");
}
