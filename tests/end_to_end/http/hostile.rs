//! What hostile callers send over raw sockets, and what they get.

use std::time::Duration;

use super::*;
use crate::harness::metric_sum;

/// A short time for what would take long by default.
const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_body_that_comes_slowly_ends_its_call() {
    let world = world(|http, _| http.body_timeout = SHORT).await;
    for begins in ["content-length: 10\r\n\r\n1", "transfer-encoding: chunked\r\n\r\n1\r\n1\r\n"] {
        let answer = tell(&world, &format!("POST {NOTIFY} HTTP/1.1\r\nhost: gateway\r\n{begins}")).await;
        assert_eq!(status_of(&answer), 408, "{answer}");
    }
    assert_eq!(refused(&world, "body_too_slow"), 2.0);
}

#[tokio::test]
async fn a_head_that_comes_slowly_ends_its_connection_whether_it_is_the_first_or_a_later_one() {
    let world = world(|http, _| {
        http.listener.handshake_timeout = SHORT;
        http.listener.idle_timeout = SHORT;
    })
    .await;
    assert_eq!(tell(&world, "POST / HTTP/1.1\r\nhost:").await, "");
    let mut stream = connect(&world).await;
    stream.write_all((post(NOTIFY, "") + "POST / HTTP/1.1\r\nhost:").as_bytes()).await.unwrap();
    assert!(is_taken_by_matrix(&one_answer(&mut stream).await));
    let left = rest(stream).await;
    assert!(!left.contains(" 200 "), "{left}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_by_its_length_or_once_it_is_too_large() {
    let world = world(|http, _| http.max_body_bytes = 1000).await;
    let head = |lines: &str| format!("POST {NOTIFY} HTTP/1.1\r\nhost: gateway\r\n{lines}\r\n");
    // None of the claimed bytes are sent.
    for length in ["1001", "99999999999999"] {
        let mut stream = connect(&world).await;
        stream.write_all(head(&format!("content-length: {length}\r\n")).as_bytes()).await.unwrap();
        assert_eq!(status_of(&one_answer(&mut stream).await), 413, "{length}");
    }
    let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
    let chunks = head("transfer-encoding: chunked\r\n") + &chunk.repeat(11);
    let mut stream = connect(&world).await;
    stream.write_all(chunks.as_bytes()).await.unwrap();
    assert_eq!(status_of(&one_answer(&mut stream).await), 413);
    let whole = format!(
        "{}content-length: 1000\r\n\r\n{}",
        head("connection: close\r\n").trim_end(),
        "x".repeat(1000)
    );
    let whole = whole.replace("closecontent", "close\r\ncontent");
    assert!(is_taken_by_matrix(&tell(&world, &whole).await));
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let world = world(|_, _| {}).await;
    let large = "x".repeat(17 * 1024);
    for (text, expected) in [
        (post(NOTIFY, &format!("x: {large}\r\n")), 431),
        (post(NOTIFY, &"x: y\r\n".repeat(200)), 431),
        (post(&format!("/{large}"), ""), 414),
    ] {
        let answer = tell(&world, &text).await;
        // hyper does not tell a path that is too long from other fields in every case.
        assert!([expected, 431].contains(&status_of(&answer)), "{expected}: {answer}");
    }
    let name =
        format!("fanfare_listener_refused_total{{listener=\"http:{}\"", world.gateway.http_addresses()[0]);
    assert_eq!(metric_sum(&world, &name, "reason=\"head\""), 3.0);
}

#[tokio::test]
async fn calls_that_come_at_once_are_answered_one_after_the_other() {
    let world = world(|_, _| {}).await;
    let many = post(NOTIFY, "").repeat(99) + &post(NOTIFY, "connection: close\r\n");
    let said = tell(&world, &many).await;
    assert_eq!(said.matches("HTTP/1.1 ").count(), 100, "{said}");
}

#[tokio::test]
async fn whoever_takes_no_answers_is_left_alone_with_what_the_sockets_hold() {
    let world = world(|http, _| {
        http.listener.answer_stall_timeout = SHORT;
        http.listener.idle_timeout = SHORT;
    })
    .await;
    let mut stream = connect(&world).await;
    let many = post(NOTIFY, "").repeat(1000);
    // It writes until nothing is taken any more, and its connection is closed.
    let floods = async { while stream.write_all(many.as_bytes()).await.is_ok() {} };
    timeout(SOON, floods).await.expect("the connection is closed");
}

/// Where a proxy in front of the gateway reads a request otherwise than the gateway, one request may be smuggled in the body of
/// another. What can be read in two ways is refused, or is the last of its connection.
#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused_or_ends_its_connection() {
    let world = world(|_, _| {}).await;
    let head = format!("POST {NOTIFY} HTTP/1.1\r\nhost: gateway\r\n");
    let smuggled = post("/smuggled", "");
    for lines in [
        "content-length: 2\r\ncontent-length: 3\r\n\r\n{}x".to_owned(),
        "content-length: 2, 3\r\n\r\n{}x".to_owned(),
        "content-length: +2\r\n\r\n{}".to_owned(),
        "content-length: 0x2\r\n\r\n{}".to_owned(),
        "content-length: -1\r\n\r\n{}".to_owned(),
        "transfer-encoding: gzip\r\n\r\n0\r\n\r\n".to_owned(),
        "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n".to_owned(),
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n".to_owned(),
        "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "x: y\r\n folded\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
        "x: y\rz: 1\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
        "x\0: y\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
        "host: other\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
    ] {
        let answer = tell(&world, &format!("{head}{lines}{smuggled}")).await;
        assert_eq!(status_of(&answer), 400, "{lines:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{lines:?}: {answer}");
    }
    for missing in ["", "HOST : gateway\r\n"] {
        let text = format!("POST {NOTIFY} HTTP/1.1\r\n{missing}content-length: 2\r\n\r\n{{}}{smuggled}");
        let answer = tell(&world, &text).await;
        assert_eq!((status_of(&answer), answer.matches("HTTP/1.1 ").count()), (400, 1), "{answer}");
    }
    // RFC 9112, section 6.3, lets a server take the chunks, and has it end the connection.
    for lengths in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
    ] {
        let text = format!("{head}{lengths}\r\n2\r\n{BODY}\r\n0\r\n\r\n{smuggled}");
        let answer = tell(&world, &text).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    assert_eq!(refused(&world, "not_found"), 0.0, "no smuggled request was read");
}

#[tokio::test]
async fn forms_that_http_allows_are_taken() {
    let world = world(|_, _| {}).await;
    let close = "connection: close\r\n";
    let chunked = |body: &str| {
        format!("POST {NOTIFY} HTTP/1.1\r\nhost: gateway\r\n{close}transfer-encoding: chunked\r\n\r\n{body}")
    };
    let absolute = format!("http://gateway.example{NOTIFY}");
    let old = format!("POST {NOTIFY} HTTP/1.0\r\ncontent-length: 2\r\n\r\n{BODY}");
    for text in [
        chunked("2;name=value\r\n{}\r\n0\r\n\r\n"),
        chunked("2\r\n{}\r\n0\r\ntrailer: x\r\n\r\n"),
        post(&absolute, close),
        post(&format!("{NOTIFY}?a=b"), close),
        old,
        format!("\r\n{}", post(NOTIFY, close)),
    ] {
        let answer = tell(&world, &text).await;
        assert!(is_taken_by_matrix(&answer), "{text:?}: {answer}");
    }
    // An expectation is met before the body comes.
    let mut stream = connect(&world).await;
    let head = format!(
        "POST {NOTIFY} HTTP/1.1\r\nhost: gateway\r\n{close}expect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    timeout(SOON, stream.read_exact(&mut interim)).await.unwrap().unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(BODY.as_bytes()).await.unwrap();
    assert!(is_taken_by_matrix(&rest(stream).await));
    let encoded = tell(&world, &post(NOTIFY, &format!("{close}content-encoding: gzip\r\n"))).await;
    assert_eq!(status_of(&encoded), 415, "{encoded}");
}

#[tokio::test]
async fn chunks_with_long_extensions_end_their_connection() {
    let world = world(|_, _| {}).await;
    let extension = "x".repeat(20 * 1024);
    let text = format!(
        "POST {NOTIFY} HTTP/1.1\r\nhost: gateway\r\ntransfer-encoding: chunked\r\n\r\n2;{extension}\r\n{{}}\r\n0\r\n\r\n"
    );
    let answer = tell(&world, &text).await;
    assert!(answer.is_empty() || status_of(&answer) == 400, "{answer}");
}
