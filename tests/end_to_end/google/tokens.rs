//! Access tokens: where they come from, when they are renewed, and what is said if there is none.

use std::time::{Duration, SystemTime};

use fanfare::credential::google::Source;
use fanfare::credential::{NoToken, Renewal};
use fanfare_simulator::{Fault, FaultRule, ScriptedAnswer, Service, ServiceAccount, Trigger};
use tokio::time::Instant;

use super::{Google, PROJECT, key, status};
use crate::harness::{SOON, pass};

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
        let identity = source.account().to_owned();
        let fresh = google.keep(source);
        fresh.ready().await.unwrap();
        let stamp = fresh.token.stamp().unwrap();
        assert!(!format!("{stamp:?}").contains("ya29."), "{identity}");
        assert!(stamp.authorization().starts_with("Bearer ya29."), "{identity}");
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
    // Its breaker may be open by then, and names the same cause.
    assert!(matches!(why, NoToken::Unavailable(_) | NoToken::LeftAlone { .. }), "{told}");
    assert!(told.starts_with("no access token from https://127.0.0.1:1/token: "), "{told}");
    assert!(told.contains("cannot connect to 127.0.0.1:1"), "{told}");

    google.fail_once(Fault::Answer(ScriptedAnswer {
        body: Some("<html>".into()),
        ..ScriptedAnswer::default()
    }));
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
        let token = fresh.token.clone();
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
        let token = fresh.token.clone();
        async move { token.ready(Instant::now() + SOON, None).await }
    });
    google.simulator.wait_until(SOON, |simulator| simulator.counters().requests_arrived == 1).await.unwrap();
    waits.abort();
    fresh.ready().await.unwrap();
    assert_eq!(google.asked("/token").len(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_ahead_while_the_old_one_serves() {
    let google = Google::start().await;
    let fresh = google.keep(key(&google.account()));
    fresh.ready().await.unwrap();
    // The renewal hangs, and does not end before the old token does.
    google.fail_once(Fault::Silence);
    // Only after a second may the endpoint be called again; a token lives an hour, and is renewed five minutes before its end.
    for time in [Duration::from_secs(2), Duration::from_secs(56 * 60)] {
        pass(time).await;
        tokio::task::yield_now().await;
    }
    google.simulator.wait_until(SOON, |simulator| simulator.counters().requests_arrived == 2).await.unwrap();
    assert_eq!(fresh.generation(), 1, "the old token serves while the next one is fetched");
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
    // If a failure is known, the error says it.
    let failing = Google::start().await;
    failing.simulator.add_fault(FaultRule::always(Trigger::PathPrefix("/token".to_owned()), status(503)));
    let fresh = failing.keep(key(&failing.account()));
    failing.simulator.wait_until(SOON, |it| it.counters().requests_answered == 1).await.unwrap();
    let why = fresh.token.ready(Instant::now() + Duration::from_millis(500), None).await.unwrap_err();
    assert!(matches!(why, NoToken::Unavailable(_)), "{why}");
}
