//! The access tokens of a whole gateway, and what the caller notices of them.

use fanfare::proto::{self, Delivery, Outcome, Reason, TokenAction};
use fanfare_simulator::journal::RequestOutcome::Answered;
use fanfare_simulator::{Fault, FaultRule, FcmSettings, ScriptedAnswer, Trigger};
use tokio::time::timeout;

use super::{OTHER, PROJECT, app, asked, burst, each_once, google, impatient, push, serve, world};
use crate::harness::{APP, SOON, World};

/// Waits for a good answer. A gateway that has only just got its token may refuse a push or two before.
async fn accepted(world: &World, token: &str) {
    let good = async { while world.send(push(token)).await.outcome() != Outcome::Accepted {} };
    timeout(SOON, good).await.expect("a push is accepted");
}

#[tokio::test]
async fn a_thousand_pushes_whose_token_was_revoked_are_each_accepted_once_after_one_renewal() {
    let world = world(FcmSettings::default()).await;
    assert_eq!(world.send(push("ok:first")).await.outcome(), Outcome::Accepted);
    world.simulator.fcm().revoke_access_tokens();
    let results = burst(&world, 0..1000).await;
    let attempts: usize = results.iter().map(|result| result.attempts as usize).sum();
    for result in &results {
        assert_eq!(
            (result.outcome(), result.delivery()),
            (Outcome::Accepted, Delivery::Accepted),
            "{result:?}"
        );
        assert!((1..=2).contains(&result.attempts), "{result:?}");
    }
    assert!(attempts > 1000, "none was refused");
    each_once(&world, 1001);
    // As many requests arrived as the callers were told of attempts.
    assert_eq!(asked(&world, "/v1/").len(), 1 + attempts);
    assert_eq!(asked(&world, "/token").len(), 2, "one renewal");
}

#[tokio::test]
async fn an_endpoint_that_is_down_at_the_start_is_told_in_one_sentence_and_passes() {
    let simulator = google(FcmSettings::default()).await;
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    let down = Fault::Answer(ScriptedAnswer { status: 503, ..ScriptedAnswer::default() });
    simulator.add_fault(FaultRule::always(Trigger::PathPrefix("/token".to_owned()), down));
    let world = serve(simulator, vec![app(APP, PROJECT, &account)]).await;
    let told = world.send(impatient("ok:1", 2)).await;
    assert_eq!(
        (told.outcome(), told.reason()),
        (Outcome::UpstreamUnavailable, Reason::CredentialMissing),
        "{told:?}"
    );
    assert_eq!((told.delivery(), told.token_action()), (Delivery::No, TokenAction::Keep));
    assert!(told.retryable && told.retry_after.is_some() && told.attempts == 0, "{told:?}");
    let sentence = format!("no access token from {}: status 503", world.simulator.fcm().token_uri());
    assert_eq!(told.detail, sentence);
    assert!(asked(&world, "/v1/").is_empty());
    world.simulator.clear_faults();
    accepted(&world, "ok:1").await;
    let told = asked(&world, "/token").into_iter().map(|entry| entry.outcome);
    let granted = told.filter(|outcome| matches!(outcome, Answered { status: 200, .. }));
    assert_eq!(granted.count(), 1);
}

#[tokio::test]
async fn a_key_that_google_refuses_is_for_an_operator_to_mend() {
    let simulator = google(FcmSettings::default()).await;
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    simulator.fcm().disable_service_account(&account.client_email);
    let world = serve(simulator, vec![app(APP, PROJECT, &account)]).await;
    let told = world.send(push("ok:1")).await;
    assert_eq!((told.outcome(), told.reason()), (Outcome::Credential, Reason::CredentialMissing), "{told:?}");
    assert_eq!((told.retryable, told.delivery(), told.attempts), (false, Delivery::No, 0));
    assert!(told.detail.ends_with("disabled_client: The OAuth client was disabled."), "{}", told.detail);
    assert!(!told.detail.contains('\n'));
}

#[tokio::test]
async fn projects_share_a_connection_and_a_key_that_they_share_its_token() {
    let simulator = google(FcmSettings::default()).await;
    // The account belongs to the first project, and may send for the other one too.
    let account = simulator.fcm().add_service_account(&[PROJECT, OTHER]).unwrap();
    let world = serve(simulator, vec![app("first", PROJECT, &account), app("second", OTHER, &account)]).await;
    let from = |app: &str, token: &str| proto::Push { app: app.to_owned(), ..push(token) };
    for (app, project) in [("first", PROJECT), ("second", OTHER)] {
        let own = world.send(from(app, &format!("ok.{project}:1"))).await;
        assert_eq!(own.outcome(), Outcome::Accepted, "{own:?}");
        assert!(own.upstream_id.starts_with(&format!("projects/{project}/messages/")), "{own:?}");
    }
    let foreign = world.send(from("first", &format!("ok.{OTHER}:1"))).await;
    assert_eq!((foreign.outcome(), foreign.token_action()), (Outcome::InvalidToken, TokenAction::Delete));
    assert_eq!(foreign.upstream_reason, "SENDER_ID_MISMATCH");
    let counters = world.simulator.counters();
    assert_eq!((counters.connections_opened, counters.access_tokens_issued), (1, 1));
}

#[tokio::test]
async fn an_account_without_the_right_to_a_project_is_told_from_a_dead_token() {
    let simulator = google(FcmSettings::default()).await;
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    let apps = vec![app(APP, OTHER, &account), app("nowhere", "no-project", &account)];
    let world = serve(simulator, apps).await;
    for (app, status, reason) in [(APP, 403, "PERMISSION_DENIED"), ("nowhere", 404, "NOT_FOUND")] {
        let told = world.send(proto::Push { app: app.to_owned(), ..push("ok:1") }).await;
        assert_eq!(
            (told.outcome(), told.token_action()),
            (Outcome::Credential, TokenAction::Keep),
            "{told:?}"
        );
        assert_eq!((told.upstream_status, told.upstream_reason.as_str()), (status, reason));
        assert_eq!((told.retryable, told.attempts), (false, 1));
    }
}
