//! A provider that is written outside the crate. Everything that a provider is stands in this file: where its pushes
//! go, how they are said, and what the answers mean. The real dispatcher sends them over the real pool.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use bytes::Bytes;
use fanfare::credential::Credential;
use fanfare::desk::Admission;
use fanfare::dispatch::{Ask, DispatchSettings, Dispatcher, Route, Terms};
use fanfare::metrics::Metrics;
use fanfare::provider::{Heal, Message, Outgoing, Pace, Provider, Refuses, Reply, Retry, Verdict};
use fanfare::push::{
    AppId, Body, Content, Delivery, Labels, Notification, Options, Outcome, ProviderKind, PushId, PushResult,
    Reason, Refusal, TokenAction, ToldTarget,
};
use fanfare::sharer::Sharer;
use fanfare_upstream::ServiceClass;
use fanfare_upstream::{
    Flow, Http, Peer, Reach, Request, SystemResolver, TcpDialer, Upstream, UpstreamSettings, tls,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Span;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::harness::SOON;
use crate::stub::Raw;

const TAKEN: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

/// Writes each push as one line to a log server, and delivers nothing.
#[derive(Debug)]
struct LogLines;

impl Provider for LogLines {
    const KIND: ProviderKind = ProviderKind::new("log", 99);
    const SUSPECTS: &'static str = "the address of the log server";

    /// The name of a log.
    type Target = String;
    type Payload = Bytes;
    type Sealed = ();
    type Context = ();

    fn tell(target: &String) -> ToldTarget<'_> {
        ToldTarget::of("target.log", target)
    }

    fn encode(&self, body: &Body) -> Result<Bytes, Refusal> {
        let title = body.content.notification.as_ref().map(|notification| notification.title.clone());
        title.map(Bytes::from).ok_or_else(|| {
            Refusal::field("content.notification", Reason::FieldRequired, "expected something to log")
        })
    }

    fn address(&self, push: &Outgoing<'_, Self>, _: SystemTime) -> Result<Message, Refusal> {
        let path = ["/logs/", push.target, "?id=", &push.id.to_string()];
        let request = Request::new(&http::Method::POST, &path, push.payload.clone());
        let request =
            request.map_err(|_| Refusal::field("target", Reason::FieldInvalid, "expected a log's name"))?;
        Ok(Message { request, counts_down: false, context: () })
    }

    fn classify(&self, (): (), reply: &Reply, _: SystemTime) -> Verdict {
        let taken = reply.status == http::StatusCode::NO_CONTENT;
        Verdict {
            outcome: if taken { Outcome::Accepted } else { Outcome::UpstreamUnavailable },
            token_action: TokenAction::Keep,
            retry: if taken { Retry::Never } else { Retry::Once },
            retryable: !taken,
            heal: Heal::Nothing,
            pace: Pace::Nothing,
            refuses: Refuses::Nothing,
            reason: Reason::UpstreamAnswered,
            field: "".into(),
            detail: if taken { "" } else { "the log server is busy" }.into(),
            upstream_reason: String::new(),
            upstream_id: String::new(),
            token_invalid_since: None,
        }
    }
}

/// A dispatcher with one route, to a log server on loopback.
struct Sender {
    dispatcher: Dispatcher,
    admission: Admission,
    route: Route<LogLines>,
    metrics: Metrics,
    _upstream: Upstream,
}

impl Sender {
    fn to(server: &Raw) -> Self {
        let metrics = Metrics::default();
        let upstream = Upstream::new(
            UpstreamSettings::default(),
            Arc::new(SystemResolver),
            Arc::new(TcpDialer),
            metrics.upstream.clone(),
        );
        let peer = Peer {
            origin: server.origin().parse().unwrap(),
            identity: "".into(),
            tls: tls::client_config(Arc::new(rustls::RootCertStore::empty()), None, Http::One).unwrap(),
            http: Http::One,
            proxy: None,
            reach: Reach::Anywhere,
            proves_credential: false,
        };
        let peer = upstream.peer(peer).unwrap();
        let app = AppId::parse("app").unwrap();
        let route =
            Route::new(app, LogLines, Credential::None, peer, metrics.pushes.app("app", LogLines::KIND));
        Self {
            dispatcher: Dispatcher::new(DispatchSettings::default(), CancellationToken::new()),
            admission: Admission::new(10, Arc::default()),
            route,
            metrics,
            _upstream: upstream,
        }
    }

    async fn send(&self, notification: Option<Notification>, parent: Option<&Span>) -> PushResult {
        let body = Body {
            app: AppId::parse("app").unwrap(),
            content: Content { notification, ..Content::default() },
            options: Options::default(),
            accepted_at: SystemTime::now(),
            labels: Labels::new(),
        };
        let (id, target) = (PushId::parse("push-1".into()).unwrap(), "orders".to_owned());
        let begun = Instant::now();
        let terms = Terms { flow: Flow::SINGLE, begun, deadline: begun + SOON };
        let ask = Ask {
            id: &id,
            target: &target,
            body: &body,
            encoded: None,
            route: &self.route,
            terms: &terms,
            parent,
        };
        let mut room = self
            .admission
            .admit(ServiceClass::Interactive, [&Sharer::default(), &Sharer::default()])
            .unwrap();
        self.dispatcher.send(&ask, &mut room).await
    }
}

fn hello() -> Option<Notification> {
    Some(Notification { title: "Hello".to_owned(), ..Notification::default() })
}

#[tokio::test]
async fn a_provider_of_ones_own_is_sent_retried_and_counted_as_the_others_are() {
    let server = Raw::start(|number| Some(if number == 1 { BUSY } else { TAKEN }.to_vec())).await;
    let sender = Sender::to(&server);
    let result = sender.send(hello(), None).await;
    assert_eq!((result.outcome, result.delivery), (Outcome::Accepted, Delivery::Accepted), "{result:?}");
    assert_eq!((result.attempts, result.provider), (2, Some(LogLines::KIND)));
    {
        let requests = server.requests.lock().unwrap();
        assert_eq!(requests.len(), 2);
        for request in &*requests {
            assert!(request.starts_with("POST /logs/orders?id=push-1 HTTP/1.1\r\n"), "{request}");
            assert!(request.ends_with("\r\n\r\nHello"), "{request}");
        }
    }
    let counted = "fanfare_pushes_total{app=\"app\",provider=\"log\",outcome=\"accepted\"} 1\n";
    assert!(sender.metrics.page().contains(counted));

    let refused = sender.send(None, None).await;
    assert_eq!((refused.outcome, &*refused.field), (Outcome::InvalidPush, "content.notification"));
    assert_eq!((refused.attempts, refused.provider), (0, Some(LogLines::KIND)));
}

/// What a trace exporter would see of one span.
#[derive(Debug, Clone, Default)]
struct Seen {
    name: &'static str,
    parent: Option<&'static str>,
    fields: BTreeMap<&'static str, String>,
    closed: bool,
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

/// Collects spans in the order of their beginning.
#[derive(Clone, Default)]
struct Exporter(Arc<Mutex<Vec<(Id, Seen)>>>);

impl Exporter {
    fn change(&self, id: &Id, change: impl FnOnce(&mut Seen)) {
        let mut spans = self.0.lock().unwrap();
        // A registry gives an id again when its span has closed.
        change(&mut spans.iter_mut().rfind(|(known, _)| known == id).unwrap().1);
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Exporter {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = context.span(id).unwrap().parent().map(|parent| parent.name());
        let mut seen = Seen { name: attributes.metadata().name(), parent, ..Seen::default() };
        attributes.record(&mut seen);
        self.0.lock().unwrap().push((id.clone(), seen));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.change(id, |seen| values.record(seen));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.change(&id, |seen| seen.closed = true);
    }
}

#[tokio::test]
async fn a_trace_has_a_span_for_the_push_and_for_each_of_its_attempts_below_that_of_its_caller() {
    let server = Raw::start(|number| Some(if number == 1 { BUSY } else { TAKEN }.to_vec())).await;
    let sender = Sender::to(&server);
    let exporter = Exporter::default();
    // Where one subscriber is there, tracing asks the thread that comes by a span first whether it is wanted, once for
    // all threads, and the threads of other tests want none. Where two are there, it asks both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(exporter.clone()));
    {
        let call = tracing::info_span!("call");
        sender.send(hello(), Some(&call)).await;
    }
    drop(listening);
    let spans = exporter.0.lock().unwrap();
    let connections: Vec<_> = spans.iter().filter(|(_, seen)| seen.name == "connection").collect();
    let [(_, connection)] = connections[..] else { panic!("{connections:?}") };
    assert!(connection.fields["peer"].contains("127.0.0.1"), "{connection:?}");
    assert_eq!(connection.parent, None, "a connection outlives the push that opened it");
    let told = spans.iter().map(|(_, seen)| seen).filter(|seen| ["push", "attempt"].contains(&seen.name));
    let told: Vec<_> = told.collect();
    let [push, first, second] = told[..] else { panic!("{told:?}") };
    assert!(told.iter().all(|seen| seen.closed), "{told:?}");

    assert_eq!((push.name, push.parent), ("push", Some("call")));
    let of_push = |name| push.fields.get(name).map(String::as_str);
    assert_eq!((of_push("id"), of_push("app")), (Some("push-1"), Some("app")));
    assert_eq!(of_push("provider"), Some("\"log\""));

    // What became of each is no field but an attribute, which a collector sees: `traces` has those.
    for (attempt, n) in [(first, "1"), (second, "2")] {
        assert_eq!((attempt.name, attempt.parent), ("attempt", Some("push")));
        assert_eq!(attempt.fields["n"], n);
    }
}
