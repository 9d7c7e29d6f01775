//! A front that answers in place of the push proxy behind it. Only some statuses say whether it passed the push on.

use fanfare::config::AppConfig;
use fanfare::proto::{self, Delivery, Outcome, Reason, TokenAction};
use fanfare::provider::Front502;
use fanfare_simulator::ApnsScriptedOutcome;
use fanfare_upstream::Http;

use crate::harness::APP;
use crate::mattermost::{app, good_push, push, world};
use crate::stub::{Front, Raw};

/// An app whose operator knows this about the front.
fn behind(raw: &Raw, front_502: Front502) -> AppConfig {
    let mut app = app(APP, &raw.origin(), Http::One, &[]);
    let mattermost = app.mattermost.take().unwrap();
    let provider = mattermost.provider.with_front_502(front_502);
    app.mattermost = Some(fanfare::config::MattermostConfig { provider, ..mattermost });
    app
}

/// A front that gives these answers first, and then passes the proxy's own on.
async fn front(statuses: &'static [u16]) -> Raw {
    Raw::start(|number| {
        let Some(status) = statuses.get(number - 1) else { return Some(crate::stub::OK.to_vec()) };
        let page = format!("<html><head><title>{status} of nginx</title></head></html>");
        let head = format!("HTTP/1.1 {status} X\r\nretry-after: 1\r\ncontent-length: {}\r\n\r\n", page.len());
        Some([head, page].concat().into_bytes())
    })
    .await
}

#[tokio::test]
async fn a_502_or_504_may_have_been_passed_on_and_is_never_repeated_by_itself() {
    for status in [&[502][..], &[504], &[500], &[520]] {
        let raw = front(status).await;
        let front = Front::start(vec![behind(&raw, Front502::Unknown)], |_| {}).await;
        let result = front.send(good_push(1)).await;
        assert_eq!(
            (result.outcome(), result.delivery()),
            (Outcome::Unconfirmed, Delivery::Maybe),
            "{result:?}"
        );
        assert_eq!((result.attempts, result.reason()), (1, Reason::UpstreamAnswered), "{result:?}");
        assert_eq!(result.upstream_reason, format!("{} of nginx", status[0]));
        assert!(result.retryable && result.token_action() == TokenAction::Keep, "{result:?}");
        assert_eq!(raw.requests.lock().unwrap().len(), 1);

        let raw = self::front(status).await;
        let front = Front::start(vec![behind(&raw, Front502::Unknown)], |_| {}).await;
        let options = proto::Options { repeatable: true, ..proto::Options::default() };
        let result = front.send(proto::Push { options: Some(options), ..good_push(2) }).await;
        assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 2), "{result:?}");
    }
}

#[tokio::test]
async fn a_503_was_not_passed_on_and_is_sent_again() {
    let raw = front(&[503]).await;
    let front = Front::start(vec![behind(&raw, Front502::Unknown)], |_| {}).await;
    let result = front.send(good_push(1)).await;
    assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 2), "{result:?}");

    let raw = self::front(&[503; 9]).await;
    let front =
        Front::start(vec![behind(&raw, Front502::Unknown)], |config| config.dispatch.max_attempts = 2).await;
    let result = front.send(good_push(1)).await;
    assert_eq!(
        (result.outcome(), result.delivery()),
        (Outcome::UpstreamUnavailable, Delivery::No),
        "{result:?}"
    );
}

#[tokio::test]
async fn an_operator_who_knows_the_front_says_what_its_502_means() {
    let raw = front(&[502]).await;
    let front = Front::start(vec![behind(&raw, Front502::NotSent)], |_| {}).await;
    let result = front.send(good_push(1)).await;
    assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 2), "{result:?}");

    let raw = self::front(&[502; 9]).await;
    let front =
        Front::start(vec![behind(&raw, Front502::NotSent)], |config| config.dispatch.max_attempts = 2).await;
    let result = front.send(good_push(1)).await;
    assert_eq!(
        (result.outcome(), result.delivery()),
        (Outcome::UpstreamUnavailable, Delivery::No),
        "{result:?}"
    );

    let raw = self::front(&[504]).await;
    let front = Front::start(vec![behind(&raw, Front502::NotSent)], |_| {}).await;
    let result = front.send(good_push(1)).await;
    assert_eq!((result.outcome(), result.attempts), (Outcome::Unconfirmed, 1), "{result:?}");
}

/// The proxy also says REMOVE if its own environment, topic or project is wrong for the device.
#[tokio::test]
async fn a_proxy_in_the_wrong_environment_has_no_more_than_a_hundred_devices_deleted() {
    let world = world(false, |builder| builder).await;
    let mut actions = Vec::new();
    for number in 0..300 {
        let device = format!("{number:064x}");
        world.simulator.script_outcome(&device, ApnsScriptedOutcome::refusal(400, "BadDeviceToken"));
        let result = world.send(push(&format!("apple_rn:{device}"))).await;
        assert_eq!(result.outcome(), Outcome::Unregistered, "{result:?}");
        actions.push(result.token_action());
    }
    assert!(actions[..99].iter().all(|action| *action == TokenAction::Delete));
    assert!(actions[99..].iter().all(|action| *action == TokenAction::Quarantine));
}
