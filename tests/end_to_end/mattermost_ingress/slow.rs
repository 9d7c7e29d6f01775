//! A Mattermost server hangs up after 30 s: it is answered within 25 s, whatever is slow.

use std::time::Duration;

use super::*;
use crate::harness::{pass, until};

/// Begins a call whose body lacks so many bytes.
async fn begin(world: &World, body: &str, lacks: usize) -> TcpStream {
    let mut stream = TcpStream::connect(world.address()).await.unwrap();
    let head = format!("POST {SEND_PUSH} HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n");
    let length = body.len() + lacks;
    stream.write_all(format!("{head}content-length: {length}\r\n\r\n{body}").as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_push_service_that_says_nothing_is_a_failure_in_time() {
    let world = World::start().await;
    let device = format!("deaf{:060x}", 1);
    let stream = begin(&world, &message("apple_rn", &device).to_string(), 0).await;
    let arrived = || world.simulator.journal().by_device_token(&device);
    until(|| arrived().iter().any(|entry| entry.read.is_some())).await;
    pass(Duration::from_secs(25)).await;
    let answer = rest(stream).await;
    let error = failure(&answer);
    assert!(!error.is_empty(), "{error}");
    assert_eq!(arrived().len(), 1, "a message is not sent twice");
}

#[tokio::test]
async fn a_body_that_comes_slowly_is_a_failure_in_time() {
    let world = World::start().await;
    let stream = begin(&world, "{", 1000).await;
    // Another call that is answered shows that the gateway has read the head of the first.
    failure(&post(world.address(), SEND_PUSH, "", "{").await);
    pass(Duration::from_secs(10)).await;
    let error = failure(&rest(stream).await);
    assert!(error.contains("did not come whole"), "{error}");
}
