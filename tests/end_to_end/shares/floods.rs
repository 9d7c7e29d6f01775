//! Floods of bulk, and what becomes of those who come beside them.

use std::time::Duration;

use fanfare::proto::{Outcome, Reason};

use super::{
    Client, Sent, client_with, give_streams, one_connection, push_of, send, send_one, take_streams, waiting,
};
use crate::harness::{APP, World, figure, good, until, within};

/// A flood of this many pushes is far more than is served while a test lasts.
const FLOOD: usize = 3000;

/// Senders by number: two floods, the single pushes beside them, and those with little time.
const SINGLE: usize = 3;
const SHORT: usize = 4;

/// How many streams there are. Bulk leaves a fifth of them.
const STREAMS: u32 = 10;

/// A gateway that is flooded by these senders, all of whose pushes stand in line when there are streams. An answer comes
/// after `latency`, so bulk is served eight times in it.
async fn flooded(senders: &[usize], latency: Duration) -> (World, Client, Vec<Sent>) {
    let world = World::with(|builder| builder.latency(latency), one_connection).await;
    let client = client_with(&world, "none").await;
    send_one(&client, push_of(SINGLE, 0, APP)).await.unwrap();
    let connection = take_streams(&world).await;
    let mut floods = Vec::new();
    for sender in senders {
        let pushes = (0..FLOOD).map(|push| push_of(*sender, push, APP)).collect();
        floods.push(send(client.clone(), pushes).await);
        waiting(&world, floods.len() * FLOOD).await;
    }
    give_streams(&world, connection, STREAMS);
    (world, client, floods)
}

#[tokio::test]
async fn single_pushes_are_served_before_two_floods_of_bulk() {
    let (world, _, floods) = flooded(&[1, 2], Duration::from_millis(20)).await;
    // The results of the floods are not read, and fill the window of their connection.
    let client = client_with(&world, "none").await;
    // Fifty single pushes in a second, each of them as soon as its moment comes.
    let mut moments = tokio::time::interval(Duration::from_millis(20));
    let mut singles = Vec::new();
    let journal = world.simulator.journal();
    for number in 1..=50 {
        moments.tick().await;
        let (client, arrived) = (client.clone(), journal.arrived());
        let push = push_of(SINGLE, number, APP);
        singles.push(tokio::spawn(async move { (arrived, send_one(&client, push).await) }));
    }
    let mut overtaken_by = Vec::new();
    for (number, single) in (1..).zip(singles) {
        let (before, result) = single.await.unwrap();
        assert_eq!(result.unwrap().outcome(), Outcome::Accepted);
        let token = good(SINGLE * super::OF_ONE + number);
        let entries = journal.entries();
        let at = entries.iter().position(|entry| entry.device_token() == Some(&*token)).unwrap();
        overtaken_by.push(at.saturating_sub(before as usize));
    }
    let waited = world.simulator.journal().arrived() as usize;
    assert!(waited < 2 * FLOOD, "the floods still wait");
    overtaken_by.sort_unstable();
    let (median, most) = (overtaken_by[25], overtaken_by[49]);
    figure(&format!(
        "single pushes beside two floods of {FLOOD}: {median} pushes before the median one, {most} at most"
    ));
    // In one line with the floods there would be thousands. What is left is the way of a call to the gateway.
    assert!(median <= FLOOD / 30 && most <= FLOOD / 3, "{overtaken_by:?}");
    drop(floods);
}

#[tokio::test]
async fn a_push_that_cannot_be_served_in_time_is_told_so_at_once_and_others_do_not_pay() {
    let (world, client, mut floods) = flooded(&[1], Duration::from_millis(50)).await;
    // The rate at which streams are granted is known after a while.
    until(|| world.simulator.journal().arrived() >= 300).await;
    let short = (0..10).map(|push| within(push_of(SHORT, push, APP), Duration::from_secs(1)));
    let flood = &mut floods[0];
    flood.write(short.collect()).await;
    let refused = flood.find(|result| result.reason() == Reason::Overloaded, 10).await;
    for result in &refused {
        assert_eq!((result.outcome(), result.attempts), (Outcome::NotAttempted, 0), "{result:?}");
        assert!(result.retryable && result.retry_after.is_some_and(|wait| wait.seconds >= 1), "{result:?}");
    }
    assert!(world.simulator.journal().arrived() < FLOOD as u64, "they did not wait for the flood");
    // A batch of its own has its turns, and is not refused for the long line of another.
    let short = (0..10).map(|push| within(push_of(SHORT, 100 + push, APP), Duration::from_secs(10)));
    send(client, short.collect()).await.all_accepted(10).await;
}
