//! Peers that are silent, and how long they are waited for.

use super::frames::*;
use super::world::{Verdict, World, one_connection};
use crate::tests::*;
use NoAnswerCause::{ConnectionLost, Deadline};
use Verdict::{Answered, Unanswered, Unsent};

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_no_ping_loses_its_connection() {
    for proven in [false, true] {
        let mut world = World::once();
        let first = world.send();
        let mut server = world.begun(&[]).await;
        server.request().await;
        if proven {
            server.say(&ok(1)).await;
            assert_eq!(first.await.unwrap(), Answered(200));
        }
        let began = Instant::now();
        let sent = world.send();
        // The answer to another PING is none to this one.
        let pinged = server.until(|frame| frame.kind == PING).await;
        let wrong: Vec<_> = pinged.payload.iter().map(|byte| !byte).collect();
        server.say(&frame(PING, ACK, 0, &wrong)).await;
        assert_eq!(sent.await.unwrap(), Unanswered(ConnectionLost, None));
        let least = Duration::from_secs(if proven { 15 } else { 3 });
        let waited = began.elapsed();
        assert!(waited >= least && waited <= least * 2, "{waited:?}");
        assert_eq!(world.over().await, [EndCause::PingLost]);
    }
}

/// An answer may come when nobody waits any more. It is counted, and nothing is left of it.
#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_leaves_the_request_to_be_answered() {
    let seconds = Duration::from_secs;
    for answered in [true, false] {
        for begun in [true, false] {
            let mut world = World::once();
            let sent = world.send_body(300, Instant::now() + seconds(1));
            let mut server = world.begun(&[]).await;
            let id = server.request().await;
            if begun {
                server.say(&head(id)).await;
            }
            assert_eq!(sent.await.unwrap(), Unanswered(Deadline, begun.then_some(200)));
            assert_eq!(world.in_flight.count(), 1, "it goes on counting");
            if answered {
                let end = if begun { data(id, true, b"") } else { ok(id) };
                server.say(&end).await;
            }
            let stays = tokio::spawn(server.stay());
            tokio::time::sleep(seconds(31)).await;
            assert_eq!(world.in_flight.count(), 0);
            world.over().await;
            let resets: Vec<_> = stays.await.unwrap().iter().filter_map(Frame::reset).collect();
            assert_eq!(resets, if answered { vec![] } else { vec![(id, 8)] });
        }
    }
}

/// A request that the engine does not take yet is unsent when its deadline comes.
#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_before_a_request_begins_leaves_it_unsent() {
    let mut world = World::once();
    let first = world.send_body(65_535, far());
    let mut server = world.begun(&[]).await;
    server.request().await;
    // The window of the connection is used up.
    let late = world.send_body(300, Instant::now() + Duration::from_secs(1));
    assert_eq!(late.await.unwrap(), Unsent(UnsentCause::NotTaken));
    server.say(&ok(1)).await;
    assert_eq!(first.await.unwrap(), Answered(200));
    tokio::spawn(server.stay());
    world.over().await;
}

/// What has not begun when the peer goes away is unsent, also if the last id is the largest.
#[tokio::test(start_paused = true)]
async fn what_waits_for_the_window_when_the_peer_goes_away_is_unsent() {
    let mut world = World::once();
    let first = world.send_body(65_535, far());
    let mut server = world.begun(&[]).await;
    server.request().await;
    let late = world.send();
    tokio::time::sleep(Duration::from_millis(1)).await;
    server.say(&[goaway(LARGEST, 0), window_update(0, 1000)].concat()).await;
    assert_eq!(late.await.unwrap(), Unsent(UnsentCause::NotTaken));
    server.say(&ok(1)).await;
    assert_eq!(first.await.unwrap(), Answered(200));
    tokio::spawn(server.stay());
    assert_eq!(world.over().await, [EndCause::GoAway]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_may_exchange_pings_for_days() {
    let long = Duration::from_secs(30 * 24 * 60 * 60);
    let settings = UpstreamSettings { idle_timeout: long, max_age: long, ..one_connection() };
    let mut world = World::new(settings, 1 << 16);
    let first = world.send();
    let mut server = world.begun(&[]).await;
    server.request().await;
    server.say(&ok(1)).await;
    assert_eq!(first.await.unwrap(), Answered(200));
    for number in 0..2 * 24 * 60 * 60 {
        server.say(&ping(number)).await;
        let answer = server.until(|frame| frame.kind == PING).await;
        assert_eq!((answer.flags, answer.payload), (ACK, number.to_be_bytes().to_vec()));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let last = world.send();
    assert_eq!(server.request().await, 3);
    server.say(&ok(3)).await;
    assert_eq!(last.await.unwrap(), Answered(200));
    tokio::spawn(server.stay());
    world.over().await;
}
