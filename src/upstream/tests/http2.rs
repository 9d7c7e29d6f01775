//! HTTP/2 over a pipe: what ends an answer that has begun.

use bytes::Bytes;
use h2::Reason;

use super::pipes::World;
use super::*;

const LIMIT: usize = 6;

/// What the caller is told of an answer of these pieces, and of the end after them.
async fn told(pieces: &[&'static str], end: Option<Reason>) -> Result<Bytes, Unanswered> {
    let settings = UpstreamSettings { max_reply_bytes: LIMIT, ..UpstreamSettings::default() };
    let mut world = World::new(settings, Http::Two, 64 * 1024);
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
        Ok(reply) => Ok(reply.into_body()),
        Err(UpstreamError::Unanswered(why)) => Err(why),
        Err(UpstreamError::Unsent(why)) => panic!("{why}"),
    }
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_limit_and_no_further() {
    assert_eq!(told(&["abcdef"], None).await.unwrap(), "abcdef");
    assert_eq!(told(&["abc", "def"], None).await.unwrap(), "abcdef");
    let unreadable = Unanswered { status: Some(200), cause: Lost::Unreadable };
    for pieces in [&["abcdefg"][..], &["abc", "def", "g"]] {
        assert_eq!(told(pieces, None).await.unwrap_err(), unreadable, "{pieces:?}");
    }
}

#[tokio::test]
async fn a_reset_is_told_with_its_code() {
    // Whether the head arrived before it is h2's affair.
    let why = told(&[], Some(Reason::CANCEL)).await.unwrap_err();
    assert_eq!(why.cause, Lost::Reset(Reason::CANCEL.into()));
}
