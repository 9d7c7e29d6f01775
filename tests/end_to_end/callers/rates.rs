//! Callers that hand in more than they may, beside one that does not.

use std::num::NonZeroU32;
use std::time::Duration;

use tonic::Code;
use tonic_types::StatusExt;

use super::*;
use crate::harness::{SOON, good, metric};

/// So slow that no turn comes during a test but those of the burst.
fn slow(name: &str, burst: u32) -> Known {
    let mut slow = known(name);
    let burst = NonZeroU32::new(burst).unwrap();
    slow.settings.permissions = slow.settings.permissions.at_most(NonZeroU32::MIN, burst);
    slow
}

#[tokio::test]
async fn a_caller_over_its_rate_is_told_when_to_come_back_and_others_go_on() {
    let (over, good_one) = (slow("over", 3), known("good"));
    let world = world(vec![over.settings, good_one.settings]).await;
    let (greedy, modest) = (client(&world, &over.key).await, client(&world, &good_one.key).await);
    let mut refused = Vec::new();
    for number in 0..10 {
        match send(&greedy, Rpc::SendPush, push(&good(number))).await {
            Ok(result) => assert_eq!(result.outcome(), Outcome::Accepted),
            Err(status) => refused.push(status),
        }
        let result = send(&modest, Rpc::SendPush, push(&good(number))).await.unwrap();
        assert_eq!(result.outcome(), Outcome::Accepted);
    }
    let limit = |name| format!("fanfare_caller_pushes_per_second_limit{{caller=\"{name}\"}} ");
    assert_eq!(metric(&world.gateway, &limit("over")), 1.0);
    assert!(!world.gateway.metrics().page().contains(&limit("good")), "nothing limits it");
    // One more turn may have come while the others were sent.
    assert!(refused.len() >= 5, "{refused:?}");
    for status in refused {
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.get_details_error_info().unwrap().reason, "CALLER_OVER_RATE");
        assert!(status.get_details_retry_info().unwrap().retry_delay.unwrap() > Duration::ZERO);
    }
}

#[tokio::test]
async fn a_call_of_many_sends_those_that_the_rate_has_room_for() {
    let over = slow("over", 3);
    let world = world(vec![over.settings]).await;
    let mut client = client(&world, &over.key).await;
    let request = || proto::SendPushesRequest {
        pushes: (0..10).map(|n| push(&good(n))).collect(),
        ..Default::default()
    };
    let results = client.send_pushes(request()).await.unwrap().into_inner().results;
    let of = |reason| results.iter().filter(|result| result.reason() == reason).count();
    assert!(of(Reason::CallerOverRate) >= 6, "{results:?}");
    let over = results.iter().find(|result| result.reason() == Reason::CallerOverRate).unwrap();
    assert!(
        over.retryable && over.retry_after.is_some() && over.outcome() == Outcome::NotAttempted,
        "{over:?}"
    );
    assert_eq!(results[0].outcome(), Outcome::Accepted);
}

#[tokio::test]
async fn the_items_of_a_batch_wait_for_their_turns_and_none_is_refused() {
    let mut paced = known("paced");
    let (rate, burst) = (NonZeroU32::new(200).unwrap(), NonZeroU32::MIN);
    paced.settings.permissions = paced.settings.permissions.at_most(rate, burst);
    let world = world(vec![paced.settings]).await;
    let mut client = client(&world, &paced.key).await;
    let begun = std::time::Instant::now();
    let request =
        proto::SendBatchRequest { pushes: (0..50).map(|n| push(&good(n))).collect(), ..Default::default() };
    let mut answers = client.send_batch(tokio_stream::iter([request])).await.unwrap().into_inner();
    let mut results = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        results.extend(answer.results);
    }
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted), "{results:?}");
    assert_eq!(results.len(), 50);
    // 49 turns after the first, 5 ms apart: a rate is a bound from below, whatever the machine does.
    assert!(begun.elapsed() >= Duration::from_millis(49 * 5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_caller_has_as_many_streams_as_it_may_over_all_its_connections() {
    let orders = known("orders").may(|may| may.max_streams = Some(1));
    let world = world(vec![orders.settings]).await;
    let (mut first, mut second) = (client(&world, &orders.key).await, client(&world, &orders.key).await);
    let pending = tokio_stream::pending::<proto::SendBatchRequest>;
    let (to, requests) = tokio::sync::mpsc::channel(1);
    let open = first.send_batch(tokio_stream::wrappers::ReceiverStream::new(requests)).await.unwrap();
    let refused = second.send_batch(pending()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "OVERLOADED");
    let gauge = |name: &str| metric(&world.gateway, &format!("fanfare_caller_{name}{{caller=\"orders\"}} "));
    assert_eq!(["streams", "streams_limit"].map(gauge), [1.0, 1.0]);
    drop(to);
    assert!(open.into_inner().message().await.unwrap().is_some(), "the last message has the progress");
    // The stream is counted until its body is gone.
    let again = async {
        while second.send_batch(pending()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, again).await.unwrap();
}
