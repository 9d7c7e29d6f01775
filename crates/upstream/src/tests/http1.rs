//! HTTP/1.1 over pipes that hold few bytes, so the peer says how much of a request reaches it.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::pipes::{BODY, World};
use super::*;

/// How many bytes a pipe holds, which is less than a request.
const PIPE: usize = 64;
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

fn world(settings: UpstreamSettings) -> World {
    World::new(settings, Http::Either, PIPE)
}

/// Reads the whole request.
async fn read(pipe: &mut DuplexStream) {
    let mut request = Vec::new();
    while !request.ends_with(&BODY) {
        let mut piece = [0; PIPE];
        let read = pipe.read(&mut piece).await.unwrap();
        assert!(read > 0, "the request ends early");
        request.extend_from_slice(&piece[..read]);
    }
}

async fn answer(pipe: &mut DuplexStream, bytes: &[u8]) {
    read(pipe).await;
    pipe.write_all(bytes).await.unwrap();
}

/// Reads a part of a request. The rest does not fit into the pipe.
async fn read_some(pipe: &mut DuplexStream) {
    pipe.read_exact(&mut [0; 100]).await.unwrap();
}

#[tokio::test]
async fn a_request_that_was_cut_short_is_sent_again_and_a_whole_one_is_in_doubt() {
    let mut world = world(UpstreamSettings::default());
    let cut = world.send();
    let mut first = world.pipe().await;
    read_some(&mut first).await;
    drop(first);
    let mut second = world.pipe().await;
    answer(&mut second, OK).await;
    assert_eq!(cut.await.unwrap().unwrap().status, 200);

    // It is the same if other requests went out before it on its connection.
    let cut = world.send();
    read_some(&mut second).await;
    drop(second);
    let mut third = world.pipe().await;
    answer(&mut third, OK).await;
    assert_eq!(cut.await.unwrap().unwrap().status, 200);

    let whole = world.send();
    read(&mut third).await;
    drop(third);
    let lost = Unanswered { head: None, cause: NoAnswerCause::ConnectionLost };
    assert!(matches!(whole.await.unwrap(), Err(UpstreamError::Unanswered(why)) if why == lost));
}

#[tokio::test]
async fn an_answer_before_the_whole_request_is_the_last_of_its_connection() {
    let mut world = world(UpstreamSettings::default());
    let first = world.send();
    let mut pipe = world.pipe().await;
    answer(&mut pipe, OK).await;
    first.await.unwrap().unwrap();
    let early = world.send();
    read_some(&mut pipe).await;
    pipe.write_all(OK).await.unwrap();
    early.await.unwrap().unwrap();
    let next = world.send();
    let mut fresh = world.pipe().await;
    answer(&mut fresh, OK).await;
    next.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_limit_and_no_further() {
    let settings = UpstreamSettings { max_reply_bytes: 6, ..UpstreamSettings::default() };
    let framed = |pieces: &[&str]| {
        let chunks: String = pieces.iter().map(|it| format!("{:x}\r\n{it}\r\n", it.len())).collect();
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
    };
    for (pieces, fits) in [
        (vec!["abcdef"], true),
        (vec!["abc", "def"], true),
        (vec!["abcdefgh"], false),
        (vec!["abc", "def", "g"], false),
        (vec!["a"; 8], false),
    ] {
        let mut world = world(settings.clone());
        let sent = world.send();
        let mut pipe = world.pipe().await;
        read(&mut pipe).await;
        // This may fail, since the client does not read the rest.
        let _ = pipe.write_all(framed(&pieces).as_bytes()).await;
        match sent.await.unwrap() {
            Ok(reply) => assert!(fits && *reply.body == *pieces.concat().as_bytes(), "{pieces:?}"),
            Err(UpstreamError::Unanswered(why)) => {
                assert_eq!((why.status(), &why.cause), (Some(200), &NoAnswerCause::Unreadable));
                assert_eq!(why.head.unwrap().fields.get_str("transfer-encoding"), Some("chunked"));
                assert!(!fits, "{pieces:?}");
            }
            Err(error) => panic!("{pieces:?}: {error}"),
        }
    }
}

#[tokio::test]
async fn an_answer_with_a_field_that_cannot_be_held_is_unreadable() {
    let mut world = world(UpstreamSettings::default());
    let sent = world.send();
    let mut pipe = world.pipe().await;
    let head = format!("HTTP/1.1 200 OK\r\n{}: x\r\ncontent-length: 0\r\n\r\n", "n".repeat(256));
    answer(&mut pipe, head.as_bytes()).await;
    let unreadable = Unanswered { head: None, cause: NoAnswerCause::Unreadable };
    assert!(matches!(sent.await.unwrap(), Err(UpstreamError::Unanswered(why)) if why == unreadable));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_neither_idle_nor_old_is_kept() {
    let mut world = world(UpstreamSettings::default());
    let first = world.send();
    let mut pipe = world.pipe().await;
    answer(&mut pipe, OK).await;
    first.await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let second = world.send();
    answer(&mut pipe, OK).await;
    second.await.unwrap().unwrap();
    assert!(world.none_opened());
}

/// A connection that cannot be asked whether it lives is not used again after a rest, or after sleep.
#[tokio::test(start_paused = true)]
async fn a_connection_that_rested_is_replaced() {
    for sleeps in [false, true] {
        let settings =
            UpstreamSettings { http1_idle_timeout: Duration::from_secs(3600), ..Default::default() };
        let mut world = world(settings);
        let first = world.send();
        let mut pipe = world.pipe().await;
        answer(&mut pipe, OK).await;
        first.await.unwrap().unwrap();
        match sleeps {
            true => world.machine.sleeps(Duration::from_secs(60)),
            false => tokio::time::sleep(Duration::from_secs(60)).await,
        }
        let next = world.send();
        let mut fresh = world.pipe().await;
        answer(&mut fresh, OK).await;
        next.await.unwrap().unwrap();
        assert_eq!(pipe.read(&mut [0; 10]).await.unwrap(), 0, "nothing was written to it");
    }
}
