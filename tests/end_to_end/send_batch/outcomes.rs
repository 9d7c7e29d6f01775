//! Each item of a batch has its own outcome, in the order in which items are numbered.

use std::time::Duration;

use fanfare::proto::{self, Outcome, Reason, SendBatchRequest};

use super::{message, run};
use crate::harness::{APP, World, alert, device, good, push};

/// The token of item `n`, and the outcome that it must get. Most are good.
fn mixed(n: usize) -> (String, Outcome) {
    let (prefix, outcome) = match n % 10 {
        3 => ("dead", Outcome::Unregistered),
        5 => ("f10d", Outcome::RateLimited),
        7 => ("0bad", Outcome::InvalidToken),
        _ => ("900d", Outcome::Accepted),
    };
    (format!("{prefix}{n:060x}"), outcome)
}

/// A gateway that has no time to wait the 30 seconds that a throttled device asks for, so it is told at once.
async fn impatient() -> World {
    World::with(|builder| builder, |config| config.grpc.batch.max_wait = Duration::from_secs(20)).await
}

#[tokio::test]
async fn every_item_gets_its_own_outcome() {
    let world = impatient().await;
    let count = 20_000;
    let ids = |n: usize| format!("item-{n}");
    let messages = (0..count)
        .collect::<Vec<_>>()
        .chunks(137)
        .map(|chunk| {
            let pushes = chunk.iter().map(|n| proto::Push { id: ids(*n), ..push(&mixed(*n).0) });
            message(pushes.collect())
        })
        .collect();
    let ended = run(&world, messages).await;
    assert!(ended.status.is_none(), "{:?}", ended.status);
    assert_eq!(ended.results.len(), count);
    for (index, result) in &ended.results {
        let n = usize::try_from(*index).unwrap();
        assert_eq!((result.outcome(), &result.id), (mixed(n).1, &ids(n)), "{result:?}");
    }
    let progress = ended.progress.as_ref().unwrap();
    assert_eq!((progress.items_read, progress.draining), (count as i64, false));
    assert_eq!(ended.settled(Outcome::Accepted), count as i64 / 10 * 7);
    assert!(world.simulator.journal().duplicates().is_empty());
}

#[tokio::test]
async fn a_bad_item_is_a_result_and_the_stream_goes_on() {
    let world = World::start().await;
    let bad = [
        proto::Push { id: "a".into(), ..push("xyz") },
        proto::Push { id: "b".into(), app: "nobody".into(), ..push(&good(1)) },
        proto::Push { id: "c".into(), content: None, ..push(&good(2)) },
        proto::Push { id: "d".into(), app: String::new(), ..push(&good(3)) },
        proto::Push { id: "a b".into(), ..push(&good(4)) },
    ];
    let pushes = [bad.to_vec(), vec![push(&good(5))]].concat();
    let ended = run(&world, vec![message(pushes)]).await;
    let seen: Vec<_> = ended
        .results
        .values()
        .map(|it| (it.outcome(), it.reason(), it.field.as_str(), it.id.as_str()))
        .collect();
    let invalid = Outcome::InvalidPush;
    assert_eq!(seen[0], (Outcome::InvalidToken, Reason::FieldInvalid, "target.apns.token", "a"));
    assert_eq!(seen[1], (invalid, Reason::AppUnknown, "app", "b"));
    assert_eq!(seen[2], (invalid, Reason::FieldRequired, "content", "c"));
    assert_eq!(seen[3], (invalid, Reason::FieldRequired, "app", "d"));
    assert_eq!(seen[4], (invalid, Reason::FieldInvalid, "id", "a b"));
    assert_eq!(seen[5].0, Outcome::Accepted);
    assert_eq!(ended.progress.unwrap().items_read, 6);
}

#[tokio::test]
async fn a_multicast_counts_addressee_by_addressee_after_the_pushes_of_its_message() {
    let world = impatient().await;
    let addressee = |n: usize| proto::Addressee { id: format!("to-{n}"), target: Some(device(&mixed(n).0)) };
    let multicast = |numbers: std::ops::Range<usize>| proto::Multicast {
        app: APP.to_owned(),
        content: Some(alert("All", "of you")),
        addressees: numbers.map(addressee).collect(),
        ..proto::Multicast::default()
    };
    let ended = run(
        &world,
        vec![
            SendBatchRequest {
                pushes: vec![push(&good(100_000))],
                multicasts: vec![multicast(0..1000), multicast(0..0), multicast(1000..1005)],
                ..SendBatchRequest::default()
            },
            SendBatchRequest { multicasts: vec![multicast(0..1001)], ..SendBatchRequest::default() },
            message(vec![push(&good(100_001))]),
        ],
    )
    .await;
    assert!(ended.status.is_none(), "{:?}", ended.status);
    assert_eq!(ended.results.len(), 1 + 1005 + 1001 + 1);
    for n in 0..1005 {
        let result = &ended.results[&(n as i64 + 1)];
        assert_eq!((result.outcome(), &result.id), (mixed(n).1, &format!("to-{n}")), "{result:?}");
    }
    for n in 1006..2007 {
        let result = &ended.results[&n];
        assert_eq!((result.outcome(), result.reason()), (Outcome::InvalidPush, Reason::FieldTooLarge));
        assert_eq!(result.field, "addressees");
    }
    assert_eq!(ended.results[&2007].outcome(), Outcome::Accepted);
}
