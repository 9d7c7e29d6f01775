//! Access tokens of Google: fetched over the pool, renewed ahead, waited for by those who have none.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fanfare::credential::google::{GoogleToken, Source};
use fanfare::credential::{Credential, NoToken, Renewal};
use fanfare::dispatch::{Admission, Ask, DispatchSettings, Dispatcher, Route, Upstreams};
use fanfare::metrics::Metrics;
use fanfare::provider::Provider;
use fanfare::provider::fcm::{Fcm, FcmSettings as FcmProvider};
use fanfare::push::{
    AppId, Body, Content, Delivery, FcmTarget, Notification, Options, Outcome, ProviderKind, Push, PushId,
    PushResult, Reason, RegistrationToken, ServiceClass, Target,
};
use fanfare::simulator::journal::Entry;
use fanfare::simulator::{
    Answer, Fault, FaultRule, FcmSettings, Service, ServiceAccount, Simulator, SimulatorBuilder, Trigger,
};
use fanfare::upstream::{
    Flow, Http, Origin, Peer, PeerPool, SystemResolver, TcpDialer, Upstream, UpstreamSettings, tls,
};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::harness::SOON;

const PROJECT: &str = "demo-project";

/// Google, and a pool that reaches it.
struct Google {
    simulator: Simulator,
    upstream: Upstream,
    metrics: Metrics,
}

/// A token that is kept fresh until this is dropped.
struct Fresh {
    token: Arc<GoogleToken>,
    _stop: DropGuard,
}

impl Google {
    async fn start() -> Self {
        Self::with(FcmSettings::default()).await
    }

    async fn with(settings: FcmSettings) -> Self {
        let simulator = SimulatorBuilder::default().fcm(settings).keep_bodies(100).start().await.unwrap();
        let metrics = Metrics::default();
        let settings =
            UpstreamSettings { backoff_min: Duration::from_millis(50), ..UpstreamSettings::default() };
        let upstream =
            Upstream::new(settings, Arc::new(SystemResolver), Arc::new(TcpDialer), metrics.upstream.clone());
        Self { simulator, upstream, metrics }
    }

    fn pool(&self, origin: &Origin) -> PeerPool {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in tls::parse_certificates(self.simulator.ca_pem().as_bytes()).unwrap() {
            roots.add(certificate).unwrap();
        }
        let peer = Peer {
            origin: origin.clone(),
            identity: "google".into(),
            tls: tls::client_config(Arc::new(roots), None, Http::Either).unwrap(),
            http: Http::Either,
            proxy: None,
            proves_credential: false,
        };
        self.upstream.peer(peer).unwrap()
    }

    fn account(&self) -> ServiceAccount {
        self.simulator.fcm().add_service_account(&[PROJECT]).unwrap()
    }

    fn keep(&self, source: Source) -> Fresh {
        let pool = self.pool(source.endpoint().origin());
        let metrics = self.metrics.credentials.token(source.identity());
        let token = Arc::new(GoogleToken::new(source, pool, metrics));
        let stop = CancellationToken::new();
        tokio::spawn(Arc::clone(&token).keep_fresh(stop.clone()));
        Fresh { token, _stop: stop.drop_guard() }
    }

    fn fail_once(&self, fault: Fault) {
        self.simulator.add_fault(FaultRule::once(Trigger::PathPrefix("/token".to_owned()), fault));
    }

    /// Requests to a path, in their order.
    fn asked(&self, path: &str) -> Vec<Entry> {
        self.simulator.journal().entries().into_iter().filter(|entry| entry.path.starts_with(path)).collect()
    }

    fn metric(&self, line: &str) -> f64 {
        let page = self.metrics.page();
        let found = page.lines().find_map(|it| it.strip_prefix(line));
        found.map_or(0.0, |value| value.trim().parse().unwrap())
    }
}

impl Fresh {
    async fn ready(&self) -> Result<(), NoToken> {
        self.token.ready(Instant::now() + SOON, None).await
    }

    fn generation(&self) -> u64 {
        self.token.stamp().unwrap().generation()
    }
}

fn key(account: &ServiceAccount) -> Source {
    Source::from_json(&account.key_json().into()).unwrap()
}

fn status(status: u16) -> Fault {
    Fault::Answer(Answer { status, ..Answer::default() })
}

#[tokio::test]
async fn every_source_gets_a_token() {
    let google = Google::start().await;
    let user = google.simulator.fcm().add_user(&[PROJECT]);
    let sources = [
        key(&google.account()),
        Source::from_json(&user.json().into()).unwrap(),
        Source::metadata_server(google.simulator.fcm().metadata_origin().parse().unwrap()),
    ];
    for source in sources {
        let identity = source.identity().to_owned();
        let fresh = google.keep(source);
        fresh.ready().await.unwrap();
        let stamp = fresh.token.stamp().unwrap();
        assert!(stamp.header().is_sensitive());
        assert!(stamp.header().to_str().unwrap().starts_with("Bearer ya29."), "{identity}");
        let renewals =
            format!("fanfare_access_token_renewals_total{{credential=\"{identity}\",outcome=\"granted\"}}");
        assert_eq!(google.metric(&renewals), 1.0, "{identity}");
        let expires = google
            .metric(&format!("fanfare_access_token_expiry_timestamp_seconds{{credential=\"{identity}\"}}"));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
        assert!(expires > now && expires < now + 3600.0, "{identity}: {expires}");
    }
    assert_eq!(google.simulator.counters().access_tokens_issued, 3);
    let metadata = google.simulator.journal().entries();
    assert!(metadata.iter().any(|entry| entry.service == Service::GoogleMetadata));
}

#[tokio::test]
async fn a_wrong_key_is_refused_in_googles_words_at_once() {
    let google = Google::start().await;
    let (account, other) = (google.account(), google.account());
    let stolen = ServiceAccount { private_key_pem: other.private_key_pem, ..account.clone() };
    let refused = google.keep(key(&stolen)).ready().await.unwrap_err();
    let uri = google.simulator.fcm().token_uri();
    let sentence =
        format!("{uri} refuses the credential with status 400: invalid_grant: Invalid JWT Signature.");
    assert_eq!(refused, NoToken::Refused(sentence.into()));
    let user = google.simulator.fcm().add_user(&[PROJECT]);
    google.simulator.fcm().revoke_refresh_token(&user.refresh_token);
    let refused = google.keep(Source::from_json(&user.json().into()).unwrap()).ready().await.unwrap_err();
    assert!(refused.to_string().ends_with("invalid_grant: Token has been expired or revoked."), "{refused}");
    assert_eq!(google.simulator.counters().access_tokens_issued, 0);
}

#[tokio::test]
async fn failures_of_the_endpoint_pass_while_those_who_wait_wait_on() {
    let google = Google::start().await;
    google.fail_once(status(503));
    let fresh = google.keep(key(&google.account()));
    fresh.ready().await.unwrap();
    assert_eq!(google.asked("/token").len(), 2);
}

#[tokio::test]
async fn an_endpoint_that_goes_on_failing_is_told_before_the_deadline() {
    let google = Google::start().await;
    for _ in 0..3 {
        google.fail_once(status(503));
    }
    let fresh = google.keep(key(&google.account()));
    let why = fresh.ready().await.unwrap_err();
    let sentence = format!("no access token from {}: status 503", google.simulator.fcm().token_uri());
    assert!(matches!(&why, NoToken::Unavailable(told) if told.starts_with(&sentence)), "{why}");
    assert_eq!(google.asked("/token").len(), 3);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_or_read_is_unavailable() {
    let google = Google::start().await;
    let unreachable = key(&google.account()).with_endpoint("https://127.0.0.1:1/token".parse().unwrap());
    let fresh = google.keep(unreachable);
    let why = fresh.ready().await.unwrap_err();
    let told = why.to_string();
    assert!(matches!(why, NoToken::Unavailable(_)), "{told}");
    assert!(told.starts_with("no access token from https://127.0.0.1:1/token: cannot connect"), "{told}");

    google.fail_once(Fault::Answer(Answer { body: Some("<html>".into()), ..Answer::default() }));
    let fresh = google.keep(key(&google.account()));
    google.simulator.wait_until(SOON, |simulator| simulator.counters().requests_answered == 1).await.unwrap();
    fresh.ready().await.unwrap();
}

#[tokio::test]
async fn a_thousand_refusals_at_once_make_one_renewal() {
    let google = Google::start().await;
    let fresh = google.keep(key(&google.account()));
    fresh.ready().await.unwrap();
    let first = fresh.generation();
    let deadline = Instant::now() + SOON;
    let waits = (0..1000).map(|_| {
        let token = Arc::clone(&fresh.token);
        tokio::spawn(async move {
            let _ = token.renew(first);
            token.ready(deadline, Some(first)).await
        })
    });
    for waited in futures_util::future::join_all(waits).await {
        waited.unwrap().unwrap();
    }
    assert_eq!(fresh.generation(), first + 1);
    assert_eq!(fresh.token.renew(first), Renewal::Newer);
    assert_eq!(google.asked("/token").len(), 2);
    assert_eq!(google.simulator.counters().access_tokens_issued, 2);
}

#[tokio::test]
async fn those_who_stop_waiting_cancel_nothing() {
    let google = Google::start().await;
    google.fail_once(Fault::Delay(Duration::from_millis(200)));
    let fresh = google.keep(key(&google.account()));
    let waits = tokio::spawn({
        let token = Arc::clone(&fresh.token);
        async move { token.ready(Instant::now() + SOON, None).await }
    });
    google.simulator.wait_until(SOON, |simulator| simulator.counters().requests_arrived == 1).await.unwrap();
    waits.abort();
    fresh.ready().await.unwrap();
    assert_eq!(google.asked("/token").len(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_ahead_while_the_old_one_serves() {
    let google =
        Google::with(FcmSettings { token_lifetime: Duration::from_secs(10), ..FcmSettings::default() }).await;
    let fresh = google.keep(key(&google.account()));
    fresh.ready().await.unwrap();
    // The renewal hangs; it does not end before the old token does.
    google.fail_once(Fault::Silence);
    google.simulator.wait_until(SOON, |simulator| simulator.counters().requests_arrived == 2).await.unwrap();
    assert_eq!(fresh.generation(), 1, "the old one serves while the next is fetched");
    assert_eq!(fresh.token.ready(Instant::now(), None).await, Ok(()));
}

#[tokio::test]
async fn the_wait_ends_at_its_deadline() {
    let google = Google::start().await;
    google.fail_once(Fault::Silence);
    let fresh = google.keep(key(&google.account()));
    let soon = Instant::now() + Duration::from_millis(100);
    assert_eq!(fresh.token.ready(soon, None).await, Err(NoToken::Deadline));
    assert!(fresh.token.stamp().is_none());
    // With a failure known, that is what it says.
    let failing = Google::start().await;
    failing.simulator.add_fault(FaultRule::always(Trigger::PathPrefix("/token".to_owned()), status(503)));
    let fresh = failing.keep(key(&failing.account()));
    failing.simulator.wait_until(SOON, |it| it.counters().requests_answered == 1).await.unwrap();
    let why = fresh.token.ready(Instant::now() + Duration::from_millis(500), None).await.unwrap_err();
    assert!(matches!(why, NoToken::Unavailable(_)), "{why}");
}

/// A dispatcher with one route to FCM.
struct Sender {
    google: Google,
    fresh: Fresh,
    route: Arc<Route>,
    dispatcher: Arc<Dispatcher>,
    admission: Arc<Admission>,
    draining: CancellationToken,
}

impl Sender {
    fn new(google: Google, source: Source) -> Self {
        let fresh = google.keep(source);
        let fcm = Fcm::try_new(&FcmProvider { project_id: PROJECT.to_owned() }).unwrap();
        let route = Route::new(
            Provider::Fcm(fcm),
            Credential::AccessToken(Arc::clone(&fresh.token)),
            Upstreams::One(google.pool(&google.simulator.fcm().origin().parse().unwrap())),
            google.metrics.pushes.app("app", ProviderKind::Fcm),
        );
        let draining = CancellationToken::new();
        let dispatcher = Dispatcher::new(DispatchSettings::default(), draining.clone());
        let admission = Admission::new(10_000, prometheus_client::metrics::gauge::Gauge::default());
        let (route, dispatcher, admission) = (route.into(), dispatcher.into(), admission.into());
        Self { google, fresh, route, dispatcher, admission, draining }
    }

    fn send(&self, number: usize, within: Duration) -> tokio::task::JoinHandle<PushResult> {
        let (route, dispatcher) = (Arc::clone(&self.route), Arc::clone(&self.dispatcher));
        let mut room = self.admission.admit(ServiceClass::Interactive).unwrap();
        tokio::spawn(async move {
            let (push, deadline) = (push(number), Instant::now() + within);
            let ask = Ask { push: &push, encoded: None, route: &route, flow: Flow::SINGLE, deadline };
            dispatcher.send(ask, &mut room).await
        })
    }

    fn pushes(&self) -> usize {
        self.google.asked("/v1/").len()
    }
}

fn push(number: usize) -> Push {
    let notification = Notification { title: "Hello".to_owned(), ..Notification::default() };
    let body = Body {
        app: AppId::parse("app").unwrap(),
        content: Content { notification: Some(notification), ..Content::default() },
        options: Options::default(),
        accepted_at: SystemTime::UNIX_EPOCH,
    };
    let token = RegistrationToken::parse(format!("ok:{number}")).unwrap();
    Push {
        id: PushId::parse(format!("push-{number}")).unwrap(),
        target: Target::Fcm(FcmTarget::Token(token)),
        body: Arc::new(body),
    }
}

#[tokio::test]
async fn the_first_push_waits_for_the_first_token_and_holds_no_permit() {
    let google = Google::start().await;
    google.fail_once(Fault::Delay(Duration::from_millis(300)));
    let source = key(&google.account());
    let sender = Sender::new(google, source);
    let sent = sender.send(1, SOON);
    let simulator = &sender.google.simulator;
    simulator.wait_until(SOON, |it| it.counters().requests_arrived == 1).await.unwrap();
    // The token endpoint and FCM are one origin here: the only stream in use is the token's.
    let used = format!(
        "fanfare_upstream_streams_used{{origin=\"{}\",identity=\"google\"}}",
        simulator.fcm().origin()
    );
    assert_eq!(sender.google.metric(&used), 1.0);
    let result = sent.await.unwrap();
    assert_eq!((result.outcome, result.attempts), (Outcome::Accepted, 1), "{result:?}");
    assert_eq!(sender.google.asked("/token").len(), 1);
}

#[tokio::test]
async fn a_hundred_pushes_whose_token_was_revoked_are_resent_once_with_one_newer_token() {
    let google = Google::start().await;
    let source = key(&google.account());
    let sender = Sender::new(google, source);
    assert_eq!(sender.send(0, SOON).await.unwrap().outcome, Outcome::Accepted);
    sender.google.simulator.fcm().revoke_access_tokens();
    let sent = futures_util::future::join_all((1..=100).map(|number| sender.send(number, SOON))).await;
    let mut attempts = 0;
    for result in sent {
        let result = result.unwrap();
        assert!(result.outcome == Outcome::Accepted && result.attempts <= 2, "{result:?}");
        attempts += result.attempts as usize;
    }
    assert!(attempts > 100, "none was refused");
    assert_eq!((sender.pushes(), sender.google.asked("/token").len()), (1 + attempts, 2));
    assert_eq!(sender.fresh.generation(), 2);
}

#[tokio::test]
async fn a_credential_that_google_refuses_is_the_verdict_in_googles_words() {
    let google = Google::start().await;
    let account = google.account();
    google.simulator.fcm().disable_service_account(&account.client_email);
    let sender = Sender::new(google, key(&account));
    let result = sender.send(1, SOON).await.unwrap();
    assert_eq!((result.outcome, result.delivery), (Outcome::Credential, Delivery::No), "{result:?}");
    assert_eq!(result.reason, Some(Reason::CredentialMissing));
    assert!(result.detail.ends_with("disabled_client: The OAuth client was disabled."), "{}", result.detail);
    assert_eq!((result.retryable, result.attempts, sender.pushes()), (false, 0, 0));
}

#[tokio::test]
async fn where_the_renewal_is_refused_the_push_is_not_sent_again() {
    let google = Google::start().await;
    let account = google.account();
    let sender = Sender::new(google, key(&account));
    assert_eq!(sender.send(0, SOON).await.unwrap().outcome, Outcome::Accepted);
    let fcm = sender.google.simulator.fcm();
    fcm.disable_service_account(&account.client_email);
    fcm.revoke_access_tokens();
    let result = sender.send(1, SOON).await.unwrap();
    assert_eq!((result.outcome, result.delivery), (Outcome::Credential, Delivery::No), "{result:?}");
    assert_eq!((result.upstream_status, result.attempts), (Some(401), 1));
    assert!(result.detail.contains("disabled_client"), "{}", result.detail);
    assert_eq!(sender.pushes(), 2);
}

#[tokio::test]
async fn a_push_without_a_token_ends_at_its_deadline_and_when_the_gateway_drains() {
    let google = Google::start().await;
    google.fail_once(Fault::Silence);
    let source = key(&google.account());
    let sender = Sender::new(google, source);
    let late = sender.send(1, Duration::from_millis(100)).await.unwrap();
    assert_eq!((late.outcome, late.reason), (Outcome::NotAttempted, Some(Reason::DeadlineExceeded)));
    let waits = sender.send(2, SOON);
    sender.draining.cancel();
    let drained = waits.await.unwrap();
    assert_eq!((drained.outcome, drained.reason), (Outcome::NotAttempted, Some(Reason::Draining)));
    assert_eq!(sender.pushes(), 0);
}
