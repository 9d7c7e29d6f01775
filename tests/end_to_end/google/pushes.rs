//! Pushes without an access token, or with a refused one.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fanfare::credential::Credential;
use fanfare::credential::google::Source;
use fanfare::desk::Admission;
use fanfare::dispatch::{Ask, DispatchSettings, Dispatcher, Route, Terms};
use fanfare::provider::Provider;
use fanfare::provider::fcm::{Fcm, FcmSettings, Target};
use fanfare::push::{
    AppId, Body, Content, Delivery, Labels, Notification, Options, Outcome, PushId, PushResult, Reason,
    RegistrationToken,
};
use fanfare::sharer::Sharer;
use fanfare_simulator::Fault;
use fanfare_upstream::Flow;
use fanfare_upstream::ServiceClass;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Fresh, Google, PROJECT, key};
use crate::harness::SOON;

/// A dispatcher with one route to FCM.
struct Sender {
    google: Google,
    fresh: Fresh,
    route: Arc<Route<Fcm>>,
    dispatcher: Arc<Dispatcher>,
    admission: Arc<Admission>,
    draining: CancellationToken,
}

impl Sender {
    fn new(google: Google, source: Source) -> Self {
        let fresh = google.keep(source);
        let fcm = Fcm::try_new(&FcmSettings { project_id: PROJECT.to_owned() }).unwrap();
        let route = Route::new(
            AppId::parse("app").unwrap(),
            fcm,
            Credential::AccessToken(fresh.token.clone()),
            google.pool(&google.simulator.fcm().origin().parse().unwrap()),
            google.metrics.pushes.app("app", Fcm::KIND),
        );
        let draining = CancellationToken::new();
        let dispatcher = Dispatcher::new(DispatchSettings::default(), draining.clone());
        let admission = Admission::new(10_000, Arc::default());
        let (route, dispatcher, admission) = (route.into(), dispatcher.into(), admission.into());
        Self { google, fresh, route, dispatcher, admission, draining }
    }

    fn send(&self, number: usize, within: Duration) -> tokio::task::JoinHandle<PushResult> {
        let (route, dispatcher) = (Arc::clone(&self.route), Arc::clone(&self.dispatcher));
        let mut room = self
            .admission
            .admit(ServiceClass::Interactive, [&Sharer::default(), &Sharer::default()])
            .unwrap();
        tokio::spawn(async move {
            let ((id, target, body), begun) = (push(number), Instant::now());
            let (flow, deadline) = (Flow::SINGLE, begun + within);
            let terms = &Terms { flow, begun, deadline };
            let (id, target, body) = (&id, &target, &body);
            let ask = Ask { id, target, body, encoded: None, route: &route, terms, parent: None };
            dispatcher.send(&ask, &mut room).await
        })
    }

    fn pushes(&self) -> usize {
        self.google.asked("/v1/").len()
    }
}

fn push(number: usize) -> (PushId, Target, Body) {
    let notification = Notification { title: "Hello".to_owned(), ..Notification::default() };
    let body = Body {
        app: AppId::parse("app").unwrap(),
        content: Content { notification: Some(notification), ..Content::default() },
        options: Options::default(),
        labels: Labels::new(),
        accepted_at: SystemTime::UNIX_EPOCH,
    };
    let token = RegistrationToken::parse(format!("ok:{number}")).unwrap();
    (PushId::parse(format!("push-{number}")).unwrap(), Target::Token(token), body)
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
    // The token endpoint and FCM are one origin here, so the only stream in use is that of the token.
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
