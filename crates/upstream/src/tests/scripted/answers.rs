//! Peers that answer much at once, or much that nobody waits for any more.

use super::alone::{Alone, Told};
use super::frames::*;
use super::world::{Verdict, World, one_connection};
use crate::tests::*;

/// An answer as HEADERS, DATA of 28 bytes, and an empty DATA that ends it.
fn split(id: u32) -> Vec<u8> {
    [head(id), data(id, false, &[b'x'; 28]), data(id, true, b"")].concat()
}

#[test]
fn a_thousand_answers_in_three_frames_each_may_come_at_once() {
    let mut alone = Alone::new(&[(WINDOW, LARGEST)]);
    alone.hear(&window_update(0, 1 << 24)).unwrap();
    let mut ids = Vec::new();
    for _ in 0..1000 {
        ids.push(alone.begin(300));
        alone.wrote();
    }
    // All heads come first, then all bodies.
    let frames: [fn(u32) -> Vec<u8>; 3] = [head, |id| data(id, false, &[b'x'; 28]), |id| data(id, true, b"")];
    let says = frames.iter().flat_map(|frame| ids.iter().flat_map(move |id| frame(*id)));
    alone.hear(&says.collect::<Vec<_>>()).unwrap();
    let answered: Vec<_> = ids.into_iter().map(|id| (id, Told::Answered(200))).collect();
    assert_eq!(alone.told(), answered);
}

#[tokio::test(start_paused = true)]
async fn a_connection_outlives_thousands_of_answers_that_come_too_late() {
    let breaker = BreakerSettings { failures: u32::MAX, error_percent: 101, ..Default::default() };
    let settings = UpstreamSettings { max_streams: 1001, breaker, ..one_connection() };
    let give_up = settings.answer_timeout;
    let mut world = World::new(settings, 1 << 22);
    let first = world.send();
    let mut server = world.begun(&[]).await;
    server.say(&window_update(0, 1 << 24)).await;
    let id = server.request().await;
    server.say(&ok(id)).await;
    assert_eq!(first.await.unwrap(), Verdict::Answered(200));
    for _ in 0..3 {
        let sent: Vec<_> = (0..1000).map(|_| world.send()).collect();
        let (mut ids, mut resets) = (Vec::new(), Vec::new());
        while resets.len() < 1000 {
            let frame = server.frame().await.unwrap();
            if (frame.kind, frame.flags) == (PING, 0) {
                server.say(&super::frames::frame(PING, ACK, 0, &frame.payload)).await;
            }
            if frame.ends_stream() {
                ids.push(frame.stream);
            }
            resets.extend(frame.reset());
        }
        resets.sort_unstable();
        assert_eq!(resets, ids.iter().map(|id| (*id, 8)).collect::<Vec<_>>());
        for sent in sent {
            let told = Verdict::Unanswered(NoAnswerCause::AnswerTimeout, None);
            assert_eq!(sent.await.unwrap(), told);
        }
        server.say(&ids.into_iter().flat_map(split).collect::<Vec<_>>()).await;
    }
    // A thousand answers in time are read, and one to a request that is older than they are.
    let sent: Vec<_> = (0..1001).map(|_| world.send()).collect();
    let mut ids = Vec::new();
    while ids.len() < sent.len() {
        ids.push(server.request().await);
    }
    server.say(&ids[1..].iter().copied().flat_map(split).collect::<Vec<_>>()).await;
    tokio::time::sleep(give_up / 4).await;
    server.say(&ok(ids[0])).await;
    tokio::spawn(server.stay());
    for sent in sent {
        assert_eq!(sent.await.unwrap(), Verdict::Answered(200));
    }
    assert_eq!(world.over().await.len(), 1);
}
