//! Each origin of a push service has its own pace.

use std::time::Duration;

use fanfare::proto::{self, Outcome, Reason};
use fanfare_simulator::{RetryAfter, Vendor, WebPushRefusal, WebPushScriptedOutcome};
use futures_util::future::join_all;

use super::{Browsers, host, push};
use crate::harness::{metric_sum, within};

const EACH: usize = 40;

#[tokio::test]
async fn an_origin_that_throttles_is_sent_less_and_the_others_as_much_as_before() {
    let browsers = Browsers::start().await;
    let (mozilla, google) = (Vendor::Mozilla, Vendor::Google);
    let fate = WebPushScriptedOutcome::Refused(WebPushRefusal::Throttled(RetryAfter::Absent));
    let throttled: Vec<_> = (0..EACH).map(|_| browsers.fated(host(mozilla), mozilla, fate)).collect();
    let good: Vec<_> = (0..EACH).map(|_| browsers.subscribe(google)).collect();
    let second = Duration::from_secs(1);

    // Answers about many subscriptions are about the origin, and its pace falls until a turn takes longer than a push waits.
    let mut paced = None;
    for round in 0..20 {
        let sent = throttled.iter().map(|it| browsers.send(within(push(it), second)));
        let results: Vec<proto::PushResult> = join_all(sent).await;
        paced = results.into_iter().find(|it| it.reason() == Reason::Paced);
        if paced.is_some() {
            break;
        }
        assert!(round < 19, "the pace falls");
    }
    let paced = paced.unwrap();
    assert_eq!((paced.outcome(), paced.retryable), (Outcome::NotAttempted, true), "{paced:?}");
    assert!(paced.retry_after.is_some() && paced.attempts == 0, "{paced:?}");

    let results = join_all(good.iter().map(|it| browsers.send(push(it)))).await;
    assert!(results.iter().all(|it| (it.outcome(), it.attempts) == (Outcome::Accepted, 1)), "{results:?}");
    let of = |metric, vendor| metric_sum(&browsers.world, metric, host(vendor));
    assert_eq!(of("fanfare_pace_lowered_total", mozilla), 1.0);
    assert!(of("fanfare_pace_turns_per_second", mozilla) > 0.0);
    assert_eq!(of("fanfare_pace_", google), 0.0);
}

#[tokio::test]
async fn an_operator_sets_a_pace_for_each_origin() {
    let browsers = Browsers::with(|_| {}, |config| config.upstream.outsider_turns_per_second = Some(1)).await;
    for vendor in [Vendor::Mozilla, Vendor::Google] {
        let soon = Duration::from_millis(500);
        let results = join_all((0..3).map(|_| {
            let browser = browsers.subscribe(vendor);
            let browsers = &browsers;
            async move { browsers.send(within(push(&browser), soon)).await }
        }))
        .await;
        let accepted = results.iter().filter(|it| it.outcome() == Outcome::Accepted).count();
        let paced = results.iter().filter(|it| it.reason() == Reason::Paced).count();
        assert_eq!((accepted, paced), (1, 2), "{results:?}");
    }
}
