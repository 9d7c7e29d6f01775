//! HTTP/2 over a pipe: what becomes of a stream, as the peer sees it.

use std::future::poll_fn;

use bytes::Bytes;
use h2::Reason;
use tokio::io::DuplexStream;

use super::pipes::World;
use super::*;

const LIMIT: usize = 6;

/// What the caller is told of an answer of these pieces, and of the end after them.
async fn told(pieces: &[&'static str], end: Option<Reason>) -> Result<Bytes, Unanswered> {
    let settings = UpstreamSettings { max_reply_bytes: LIMIT, ..UpstreamSettings::default() };
    let mut world = world(settings);
    let sent = world.send();
    let mut connection = h2::server::handshake(world.pipe().await).await.unwrap();
    let (_request, mut respond) = connection.accept().await.unwrap().unwrap();
    let mut stream = respond.send_response(http::Response::new(()), false).unwrap();
    for piece in pieces {
        stream.send_data(Bytes::from_static(piece.as_bytes()), false).unwrap();
    }
    match end {
        Some(reason) => stream.send_reset(reason),
        None => stream.send_data(Bytes::new(), true).unwrap(),
    }
    let served = tokio::spawn(async move { while connection.accept().await.is_some() {} });
    let ended = sent.await.unwrap();
    served.abort();
    match ended {
        Ok(reply) => Ok(reply.body),
        Err(UpstreamError::Unanswered(why)) => Err(why),
        Err(UpstreamError::Unsent(why)) => panic!("{why}"),
    }
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_limit_and_no_further() {
    assert_eq!(told(&["abcdef"], None).await.unwrap(), "abcdef");
    assert_eq!(told(&["abc", "def"], None).await.unwrap(), "abcdef");
    for pieces in [&["abcdefg"][..], &["abc", "def", "g"]] {
        let why = told(pieces, None).await.unwrap_err();
        assert_eq!((why.status(), why.cause), (Some(200), NoAnswerCause::Unreadable), "{pieces:?}");
    }
}

#[tokio::test]
async fn a_reset_is_told_with_its_code() {
    // h2 decides whether the head arrives before it.
    let why = told(&[], Some(Reason::CANCEL)).await.unwrap_err();
    assert_eq!(why.cause, NoAnswerCause::Reset(Reason::CANCEL.into()));
}

fn world(settings: UpstreamSettings) -> World {
    World::new(settings, Http::Two, 64 * 1024)
}

fn lost(sent: Result<Reply, UpstreamError>) -> NoAnswerCause {
    match sent {
        Err(UpstreamError::Unanswered(why)) => why.cause,
        other => panic!("{:?}", other.map(|reply| reply.status)),
    }
}

type Respond = h2::server::SendResponse<Bytes>;

/// Serves a connection, and returns what answers its first request.
async fn first(pipe: DuplexStream, window: u32) -> Respond {
    let mut server = h2::server::Builder::new();
    let mut connection = server.initial_window_size(window).handshake(pipe).await.unwrap();
    let (_request, respond) = connection.accept().await.unwrap().unwrap();
    tokio::spawn(async move { while connection.accept().await.is_some() {} });
    respond
}

#[tokio::test]
async fn an_answer_with_more_headers_than_may_be_is_unreadable() {
    let mut world = world(UpstreamSettings { max_reply_header_bytes: 4096, ..UpstreamSettings::default() });
    let sent = world.send();
    let mut respond = first(world.pipe().await, 65_535).await;
    let head = http::Response::builder().header("x", "y".repeat(5000)).body(()).unwrap();
    respond.send_response(head, true).unwrap();
    assert_eq!(lost(sent.await.unwrap()), NoAnswerCause::Unreadable);
}

#[tokio::test]
async fn an_answer_with_a_field_that_cannot_be_held_is_unreadable() {
    let mut world = world(UpstreamSettings::default());
    let sent = world.send();
    let mut respond = first(world.pipe().await, 65_535).await;
    let head = http::Response::builder().header("n".repeat(256), "x").body(()).unwrap();
    respond.send_response(head, true).unwrap();
    assert_eq!(lost(sent.await.unwrap()), NoAnswerCause::Unreadable);
}

#[tokio::test]
async fn an_answer_before_the_whole_request_gives_its_stream_up() {
    let mut world = world(UpstreamSettings::default());
    let sent = world.send();
    // The window is smaller than the body.
    let mut respond = first(world.pipe().await, 100).await;
    let mut stream = respond.send_response(http::Response::new(()), true).unwrap();
    assert_eq!(sent.await.unwrap().unwrap().status, 200);
    let reset = tokio::time::timeout(Duration::from_secs(20), poll_fn(|cx| stream.poll_reset(cx))).await;
    assert_eq!(reset.unwrap().unwrap(), Reason::CANCEL);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_leaves_the_stream_to_be_answered_and_the_answer_timeout_resets_it() {
    let seconds = Duration::from_secs;
    for (wait, cause, resets) in
        [(5, NoAnswerCause::Deadline, false), (3600, NoAnswerCause::AnswerTimeout, true)]
    {
        let mut world =
            world(UpstreamSettings { answer_timeout: seconds(30), ..UpstreamSettings::default() });
        let sent = world.send_until(Instant::now() + seconds(wait));
        let mut respond = first(world.pipe().await, 65_535).await;
        assert_eq!(lost(sent.await.unwrap()), cause);
        let reset = tokio::time::timeout(seconds(1), poll_fn(|cx| respond.poll_reset(cx))).await;
        assert_eq!(reset.is_ok(), resets, "{cause:?} {reset:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_at_the_limit_of_a_proven_connection_is_reset() {
    let seconds = Duration::from_secs;
    let mut world = world(UpstreamSettings { answer_timeout: seconds(30), ..UpstreamSettings::default() });
    let answered = world.send();
    let mut server = h2::server::Builder::new();
    let mut connection =
        server.max_concurrent_streams(1).handshake::<_, Bytes>(world.pipe().await).await.unwrap();
    let (_request, mut respond) = connection.accept().await.unwrap().unwrap();
    respond.send_response(http::Response::new(()), true).unwrap();
    let given_up = world.send();
    let (_request, mut respond) = connection.accept().await.unwrap().unwrap();
    tokio::spawn(async move { while connection.accept().await.is_some() {} });
    assert_eq!(answered.await.unwrap().unwrap().status, 200);
    assert_eq!(lost(given_up.await.unwrap()), NoAnswerCause::AnswerTimeout);
    let reset = tokio::time::timeout(seconds(1), poll_fn(|cx| respond.poll_reset(cx))).await;
    assert_eq!(reset.unwrap().unwrap(), Reason::CANCEL);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_refuses_streams_is_given_time_between_them() {
    let mut world = world(UpstreamSettings { max_resends: 4, ..UpstreamSettings::default() });
    let sent = world.send();
    let mut connection = h2::server::handshake(world.pipe().await).await.unwrap();
    let refuses = tokio::spawn(async move {
        let mut came = Vec::new();
        while let Some(Ok((_request, mut respond))) = connection.accept().await {
            came.push(Instant::now());
            respond.send_reset(Reason::REFUSED_STREAM);
            if came.len() == 5 {
                tokio::spawn(async move { while connection.accept().await.is_some() {} });
                break;
            }
        }
        came
    });
    let refused = sent.await.unwrap();
    assert!(matches!(
        refused,
        Err(UpstreamError::Unsent(Unsent::Refused { resends: 4, last: UnsentCause::RefusedStream }))
    ));
    let came = refuses.await.unwrap();
    let waits: Vec<_> = came.windows(2).map(|two| (two[1] - two[0]).as_millis()).collect();
    assert!(waits.iter().zip([0, 4, 8, 16]).all(|(waited, least)| *waited >= least), "{waits:?}");
}

#[tokio::test]
async fn what_cannot_be_said_again_is_unsent() {
    let mut world = world(UpstreamSettings::default());
    let sent = world.send_once();
    first(world.pipe().await, 65_535).await.send_reset(Reason::REFUSED_STREAM);
    assert!(matches!(
        sent.await.unwrap(),
        Err(UpstreamError::Unsent(Unsent::Refused { resends: 0, last: UnsentCause::RefusedStream }))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_any_good_answer_gets_a_fifth_of_the_patience() {
    let settings = UpstreamSettings::default();
    let least = (settings.ping_after + settings.ping_timeout) / 5;
    let mut world = world(settings);
    let begun = Instant::now();
    let sent = world.send();
    let mut connection = h2::server::handshake(world.pipe().await).await.unwrap();
    let _request = connection.accept().await.unwrap().unwrap();
    // The server does not read on, so no PING is answered.
    assert_eq!(lost(sent.await.unwrap()), NoAnswerCause::ConnectionLost);
    let found = begun.elapsed();
    assert!(least <= found && found <= least * 2, "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_ping_that_is_answered_late_but_in_time_costs_nothing() {
    let settings = UpstreamSettings::default();
    // The task looks at the clock each half second here, so it has seen the PING without its answer.
    let late = (settings.ping_after + settings.ping_timeout) / 5 + Duration::from_millis(200);
    let mut world = world(settings);
    let sent = world.send();
    let mut connection = h2::server::handshake(world.pipe().await).await.unwrap();
    let (_request, mut respond) = connection.accept().await.unwrap().unwrap();
    tokio::time::sleep(late).await;
    respond.send_response(http::Response::new(()), true).unwrap();
    tokio::spawn(async move { while connection.accept().await.is_some() {} });
    assert_eq!(sent.await.unwrap().unwrap().status, 200);
}

/// An observer that panics when a request ends whose caller had left.
struct Panics;

impl Observe for Panics {
    fn peer(&self, _: &Peer, _: PeerKind) -> Box<dyn ObservePeer> {
        Box::new(Self)
    }
}

impl ObservePeer for Panics {
    fn report(&self, report: Report<'_>) {
        assert!(!matches!(report, Report::OrphanEnded(_)), "an observer that panics");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_leaves_nobody_waiting() {
    let mut world = World::observed(UpstreamSettings::default(), Http::Two, 64 * 1024, Panics);
    let leaves = world.send();
    let mut connection = h2::server::handshake(world.pipe().await).await.unwrap();
    let (_request, mut orphan) = connection.accept().await.unwrap().unwrap();
    leaves.abort();
    let stays = world.send();
    let (_request, mut awaited) = connection.accept().await.unwrap().unwrap();
    // Both answers are read together, and the end of the first panics.
    for respond in [&mut orphan, &mut awaited] {
        respond.send_response(http::Response::new(()), true).unwrap();
    }
    tokio::spawn(async move { while connection.accept().await.is_some() {} });
    let stays = tokio::time::timeout(Duration::from_secs(60), stays).await.unwrap();
    assert_eq!(stays.unwrap().unwrap().status, 200);
}
