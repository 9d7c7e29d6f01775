//! The peer's limit of streams, and the ids of streams. Source: RFC 9113, sections 5.1.1 and 5.1.2.

use std::collections::HashSet;

use super::alone::{Alone, Told};
use super::frames::*;
use super::server::Server;
use super::world::{Verdict, World};
use crate::http2::engine::Progress;
use crate::tests::*;

/// The server's view of the streams that are open.
struct Streams {
    server: Server,
    open: HashSet<u32>,
    /// All that ever began.
    begun: usize,
}

impl Streams {
    /// Reads on until the client has written all that it will for now.
    async fn settle(&mut self) {
        let reads = async {
            loop {
                let frame = self.server.frame().await.unwrap();
                if frame.kind == HEADERS {
                    assert!(self.open.insert(frame.stream));
                    self.begun += 1;
                }
                if (frame.kind, frame.flags) == (PING, 0) {
                    self.server.say(&super::frames::frame(PING, ACK, 0, &frame.payload)).await;
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(10), reads).await;
    }

    async fn answer_one(&mut self) {
        let id = *self.open.iter().min().unwrap();
        self.open.remove(&id);
        self.server.say(&ok(id)).await;
        self.settle().await;
    }

    async fn limit(&mut self, limit: u32) {
        self.server.say(&settings(&[(MAX_STREAMS, limit)])).await;
        self.settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_wire_never_has_more_streams_than_the_peer_allows() {
    let mut world = World::once();
    let sent: Vec<_> = (0..20).map(|_| world.send()).collect();
    let server = world.begun(&[(MAX_STREAMS, 0)]).await;
    let mut streams = Streams { server, open: HashSet::new(), begun: 0 };
    streams.settle().await;
    assert_eq!(streams.begun, 0);
    streams.limit(1).await;
    assert_eq!(streams.begun, 1);
    streams.answer_one().await;
    assert_eq!((streams.begun, streams.open.len()), (2, 1));
    streams.limit(5).await;
    assert_eq!((streams.begun, streams.open.len()), (6, 5));
    // A limit below what is open cuts nothing, and lets nothing begin until enough has ended.
    streams.limit(1).await;
    for open in [4, 3, 2, 1] {
        streams.answer_one().await;
        assert_eq!((streams.begun, streams.open.len()), (6, open));
    }
    streams.answer_one().await;
    assert_eq!((streams.begun, streams.open.len()), (7, 1));
    streams.limit(0).await;
    streams.answer_one().await;
    assert_eq!((streams.begun, streams.open.len()), (7, 0));
    streams.limit(2).await;
    while !streams.open.is_empty() {
        assert!(streams.open.len() <= 2);
        streams.answer_one().await;
    }
    for sent in sent {
        assert_eq!(sent.await.unwrap(), Verdict::Answered(200));
    }
    drop(streams);
    world.over().await;
}

/// RST_STREAM leaves before the HEADERS of the request that takes the place.
#[tokio::test(start_paused = true)]
async fn a_place_that_is_given_up_is_free_before_the_next_request_begins() {
    let mut world = World::once();
    let first = world.send();
    let mut server = world.begun(&[(MAX_STREAMS, 1), (WINDOW, 0)]).await;
    server.until(|frame| frame.kind == HEADERS).await;
    let next = world.send();
    // An early answer ends the first request, whose body is blocked.
    server.say(&ok(1)).await;
    let frames = [server.until(|frame| frame.kind != SETTINGS).await, server.frame().await.unwrap()];
    assert_eq!(frames[0].reset(), Some((1, 8)));
    assert_eq!((frames[1].kind, frames[1].stream), (HEADERS, 3));
    // The second is given up when its answer does not come, and the third takes its place.
    let last = world.send_body(0, far());
    let mut frames = Vec::new();
    while frames.len() < 2 {
        let frame = server.frame().await.unwrap();
        match frame.kind {
            PING => server.say(&super::frames::frame(PING, ACK, 0, &frame.payload)).await,
            _ => frames.push(frame),
        }
    }
    assert_eq!(frames[0].reset(), Some((3, 8)));
    assert_eq!((frames[1].kind, frames[1].stream), (HEADERS, 5));
    server.say(&ok(5)).await;
    tokio::spawn(server.stay());
    assert_eq!(first.await.unwrap(), Verdict::Answered(200));
    assert_eq!(next.await.unwrap(), Verdict::Unanswered(NoAnswerCause::AnswerTimeout, None));
    assert_eq!(last.await.unwrap(), Verdict::Answered(200));
    world.over().await;
}

#[test]
fn a_connection_whose_ids_come_to_their_end_is_replaced_before() {
    let mut alone = Alone::new(&[]);
    assert!(!alone.engine.is_used_up());
    alone.continue_with_id(LARGEST - 4);
    assert!(
        alone.engine.is_used_up() && alone.engine.takes_requests(),
        "a few are left for what was granted"
    );
    let ids = [alone.begin(300), alone.begin(300), alone.begin(300)];
    assert_eq!(ids[2], LARGEST);
    assert!(!alone.engine.takes_requests() && !alone.engine.may_begin(0));
    alone.wrote();
    alone.hear(&[ok(ids[2]), rst(ids[1], 7)].concat()).unwrap();
    assert_eq!(alone.told(), [(ids[2], Told::Answered(200)), (ids[1], Told::Refused)]);
    assert_eq!(alone.lost(), [(ids[0], Told::Lost(Progress::Complete, None))]);
}
