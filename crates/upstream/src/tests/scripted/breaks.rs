//! Connections that break while requests are on their way.

use super::frames::*;
use super::server::Server;
use super::world::{Verdict, World, one_connection, request, verdict};
use crate::tests::*;
use Verdict::{Answered, Unanswered, Unsent};

const LOST: Verdict = Unanswered(NoAnswerCause::ConnectionLost, None);
const NOT_WRITTEN: Verdict = Unsent(UnsentCause::NotWritten);

/// A body that fits into a window of the default size 16 times and not more often.
const LARGE: usize = 4096;

fn end(server: Server, resets: bool) {
    if resets { server.reset() } else { drop(server) }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_body_never_left_is_unsent() {
    for resets in [false, true] {
        let mut world = World::once();
        let sent = [world.send(), world.send()];
        let mut server = world.begun(&[(WINDOW, 0)]).await;
        server.until(|frame| frame.kind == HEADERS && frame.stream == 3).await;
        // One body is let through but for its last byte.
        server.say(&window_update(1, 299)).await;
        assert_eq!(server.until(|frame| frame.kind == DATA).await.payload.len(), 299);
        end(server, resets);
        for sent in sent {
            assert_eq!(sent.await.unwrap(), NOT_WRITTEN);
        }
        world.over().await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_the_socket_took_whole_is_in_doubt() {
    for holds in [10_000, 64 * 1024, 100_000] {
        for resets in [false, true] {
            let mut world = World::new(one_connection(), holds);
            let sent: Vec<_> = (0..60).map(|_| world.send_body(LARGE, far())).collect();
            let mut server = world.begun(&[]).await;
            server.say(&window_update(0, 1 << 20)).await;
            // The socket becomes full, and then it breaks.
            tokio::time::sleep(Duration::from_millis(1)).await;
            server.writes_fail();
            let mut whole = 0;
            let took = async {
                loop {
                    server.request().await;
                    whole += 1;
                }
            };
            assert!(tokio::time::timeout(Duration::from_millis(1), took).await.is_err());
            assert!((1..30).contains(&whole), "{whole}");
            end(server, resets);
            let mut told = Vec::new();
            for sent in sent {
                told.push(sent.await.unwrap());
            }
            assert_eq!(told[..whole], vec![LOST; whole], "{holds}");
            assert!(told[whole..].iter().all(|told| matches!(told, Unsent(_))), "{holds} {told:?}");
            world.over().await;
        }
    }
}

/// The peer goes away and hangs up while requests are written, so the write fails before the GOAWAY is read.
#[tokio::test(start_paused = true)]
async fn a_goaway_is_read_although_a_write_has_failed() {
    for says_before in [false, true] {
        for closes in [false, true] {
            let mut world = World::once();
            let mut sent = vec![world.send(), world.send()];
            let mut server = world.begun(&[]).await;
            assert_eq!((server.request().await, server.request().await), (1, 3));
            let says = [goaway(1, 0), ok(1)].concat();
            server.writes_fail();
            sent.extend((0..200).map(|_| world.send()));
            if !says_before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            server.say(&says).await;
            let _stays = if closes {
                drop(server);
                None
            } else {
                Some(server)
            };
            for (number, sent) in sent.into_iter().enumerate() {
                let told = sent.await.unwrap();
                match number {
                    0 => assert_eq!(told, Answered(200)),
                    1 => assert_eq!(told, Unsent(UnsentCause::GoAway)),
                    _ => assert!(matches!(told, Unsent(_)), "{number} {told:?}"),
                }
            }
            assert_eq!(world.over().await.len(), 1);
        }
    }
}

/// The window of the connection holds 15 bodies of 4 KiB, and a part of the next. What did not leave whole is sent again.
#[tokio::test(start_paused = true)]
async fn what_the_window_of_the_connection_held_back_is_sent_again() {
    for resends in [false, true] {
        let max_resends = if resends { 1 } else { 0 };
        let mut world = World::new(UpstreamSettings { max_resends, ..one_connection() }, 1 << 20);
        let sent: Vec<_> = (0..20).map(|_| world.send_body(LARGE, far())).collect();
        let mut server = world.begun(&[]).await;
        for _ in 0..15 {
            server.request().await;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        drop(server);
        if resends {
            let mut server = world.begun(&[]).await;
            for _ in 15..20 {
                let id = server.request().await;
                server.say(&ok(id)).await;
            }
            tokio::spawn(server.stay());
        }
        for (number, sent) in sent.into_iter().enumerate() {
            let told = match number {
                ..15 => LOST,
                15 if !resends => NOT_WRITTEN,
                _ if !resends => Unsent(UnsentCause::NotTaken),
                _ => Answered(200),
            };
            assert_eq!(sent.await.unwrap(), told, "{number}");
        }
        world.over().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_breaks_a_rule_is_told_which_and_the_next_connection_is_another() {
    for (says, code) in [
        (frame(PING, 0, 0, &[0; 7]), 6),
        (frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2, 0x88]), 1),
        (window_update(0, LARGEST), 3),
        (frame(HEADERS, END_HEADERS, 1, &[0xff; 9]), 9),
        (ping(1).repeat(10_001), 11),
    ] {
        let mut world = World::once();
        let sent = world.send();
        let mut server = world.begun(&[]).await;
        server.request().await;
        server.say(&says).await;
        let told = server.until(|frame| frame.kind == GOAWAY).await;
        assert_eq!(told.goaway(), Some(code));
        assert_eq!(server.frame().await, None);
        assert_eq!(sent.await.unwrap(), LOST);
        let next = world.send();
        let mut server = world.begun(&[]).await;
        server.request().await;
        server.say(&ok(1)).await;
        assert_eq!(next.await.unwrap(), Answered(200));
        tokio::spawn(server.stay());
        assert_eq!(world.over().await[0], EndCause::Protocol);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_be_written_and_is_silent_ends_soon() {
    let mut world = World::once();
    let whole = world.send();
    let mut server = world.begun(&[]).await;
    server.request().await;
    server.writes_fail();
    let late = world.send();
    let began = Instant::now();
    assert_eq!((whole.await.unwrap(), late.await.unwrap()), (LOST, NOT_WRITTEN));
    assert!(began.elapsed() <= Duration::from_secs(3));
    assert_eq!(world.over().await, [EndCause::WriteFailed]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_pool_ends_what_is_in_flight() {
    let mut world = World::once();
    let (whole, blocked) = (world.send(), world.send());
    let mut server = world.begun(&[(WINDOW, 0)]).await;
    server.until(|frame| frame.kind == HEADERS && frame.stream == 3).await;
    server.say(&window_update(1, 300)).await;
    server.request().await;
    world.abort();
    assert_eq!((whole.await.unwrap(), blocked.await.unwrap()), (LOST, NOT_WRITTEN));
    assert_eq!(world.over().await, [EndCause::Shutdown]);
}

/// The task of a connection is dropped with its runtime, and callers on another are told.
#[test]
fn a_task_that_is_dropped_tells_who_waits() {
    let tasks = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let in_flight = Arc::<InFlight>::default();
    let share = in_flight.begin(2).unwrap();
    let (mut whole, mut blocked, counts) = tasks.block_on(async {
        let mut world = World::once();
        let pool = world.pool.clone();
        let asks = tokio::spawn(async move {
            [pool.permit(Flow::SINGLE, far()).await.unwrap(), pool.permit(Flow::SINGLE, far()).await.unwrap()]
        });
        let mut server = world.begun(&[(WINDOW, 0)]).await;
        let exchanges =
            asks.await.unwrap().map(|permit| Box::pin(permit.exchange(request(300), || None, &share)));
        server.until(|frame| frame.kind == HEADERS && frame.stream == 3).await;
        server.say(&window_update(1, 300)).await;
        server.request().await;
        let [whole, blocked] = exchanges;
        (whole, blocked, world)
    });
    drop(tasks);
    let told = |ended: Option<_>| verdict(ended.expect("it is told at once"));
    assert_eq!(told(whole.as_mut().now_or_never()), LOST);
    assert_eq!(told(blocked.as_mut().now_or_never()), NOT_WRITTEN);
    assert_eq!(counts.counts().closed, [EndCause::Aborted]);
    drop((whole, blocked));
    drop(share);
    assert_eq!(in_flight.count(), 0);
}
