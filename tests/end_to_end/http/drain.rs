//! The end of a gateway: HTTP callers leave politely.

use std::time::Duration;

use super::*;
use crate::harness::{APP, good, until};

#[tokio::test]
async fn connections_without_calls_end_and_a_call_in_flight_is_answered_and_told_to_close() {
    let world = world(|_, _| {}).await;
    let (mut idle, mut busy) = (connect(&world).await, connect(&world).await);
    idle.write_all(post(SEND_PUSH, "").as_bytes()).await.unwrap();
    let first = one_answer(&mut idle).await;
    assert_eq!(field(&first, "connection"), None, "{first}");
    let (head, body) = (post(SEND_PUSH, ""), BODY);
    let head = head.strip_suffix(body).unwrap();
    busy.write_all(head.as_bytes()).await.unwrap();
    // The head of the call has come before the gateway drains, since the call after it on another connection was answered.
    idle.write_all(post(SEND_PUSH, "").as_bytes()).await.unwrap();
    one_answer(&mut idle).await;
    let (address, World { gateway, simulator: _simulator, client }) =
        (world.gateway.http_addresses()[0], world);
    drop(client);
    let ends = tokio::spawn(gateway.shut_down());
    assert_eq!(rest(idle).await, "", "an idle connection ends without a word");
    busy.write_all(body.as_bytes()).await.unwrap();
    let answer = rest(busy).await;
    assert!(is_taken(status_of(&answer)), "{answer}");
    assert_eq!(field(&answer, "connection"), Some("close"), "{answer}");
    timeout(SOON, ends).await.expect("the gateway ends").unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn during_the_delay_calls_are_taken_and_each_answer_ends_its_connection() {
    let world = world(|_, config| config.drain_delay = Duration::from_secs(3600)).await;
    let mut kept = connect(&world).await;
    kept.write_all(post(SEND_PUSH, "").as_bytes()).await.unwrap();
    assert_eq!(field(&one_answer(&mut kept).await, "connection"), None);
    let (address, World { gateway, simulator: _simulator, client }) =
        (world.gateway.http_addresses()[0], world);
    drop(client);
    let admin = gateway.admin_address();
    let (hurry, hurried) = tokio::sync::oneshot::channel::<()>();
    let ends = tokio::spawn(gateway.shut_down_hurried_by(async { _ = hurried.await }));
    drains(admin).await;
    // The call on the connection that was kept is the one that would be lost if that were closed without a word.
    for mut stream in [kept, TcpStream::connect(address).await.unwrap()] {
        stream.write_all(post(SEND_PUSH, "").as_bytes()).await.unwrap();
        let answer = rest(stream).await;
        assert!(is_taken(status_of(&answer)), "{answer}");
        assert_eq!(field(&answer, "connection"), Some("close"), "{answer}");
    }
    // Only probes come to the operators' listener, and go on until it ends.
    let mut probe = TcpStream::connect(admin).await.unwrap();
    for _ in 0..2 {
        probe.write_all(b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n").await.unwrap();
        assert_eq!(field(&one_answer(&mut probe).await, "connection"), None);
    }
    drop(probe);
    hurry.send(()).unwrap();
    timeout(SOON, ends).await.expect("the gateway ends").unwrap();
}

/// Callers that keep their connections go on until nobody listens, and none of their calls fails that was sent over a connection.
#[tokio::test]
async fn callers_that_keep_their_connections_lose_no_call() {
    for delay in [Duration::ZERO, Duration::from_secs(3600)] {
        callers_lose_no_call(delay).await;
    }
}

async fn callers_lose_no_call(delay: Duration) {
    let world = world(|http, config| {
        http.json = Some(fanfare::ingress::json::JsonSettings::default());
        config.drain_delay = delay;
    })
    .await;
    let (address, World { gateway, simulator, client }) = (world.gateway.http_addresses()[0], world);
    drop(client);
    let admin = gateway.admin_address();
    let (drained, watched) = tokio::sync::watch::channel(false);
    let callers: Vec<_> = (0..8)
        .map(|caller| tokio::spawn(calls_until_nobody_listens(address, caller * 100_000, watched.clone())))
        .collect();
    until(|| simulator.journal().answered() > 200).await;
    let (hurry, hurried) = tokio::sync::oneshot::channel::<()>();
    if delay.is_zero() {
        drained.send(true).unwrap();
    }
    let ends = tokio::spawn(gateway.shut_down_hurried_by(async { _ = hurried.await }));
    if !delay.is_zero() {
        drains(admin).await;
        let before = simulator.journal().answered();
        until(|| simulator.journal().answered() > before + 200).await;
        drained.send(true).unwrap();
        hurry.send(()).unwrap();
    }
    let answered: u64 = futures_util::future::join_all(callers).await.into_iter().map(Result::unwrap).sum();
    timeout(SOON, ends).await.expect("the gateway ends").unwrap();
    let journal = simulator.journal();
    assert_eq!(
        (journal.arrived(), journal.answered()),
        (answered, answered),
        "each that was read is answered"
    );
}

/// Sends pushes one after the other, and opens another connection where an answer ends the one it has. Returns how many were
/// answered. Once the delay is over, the kernel may reset a connection that nobody has accepted; no other call may be without its
/// answer.
async fn calls_until_nobody_listens(
    address: SocketAddr,
    first: usize,
    drained: tokio::sync::watch::Receiver<bool>,
) -> u64 {
    let (mut number, mut answered) = (first, 0);
    while let Ok(mut stream) = TcpStream::connect(address).await {
        let mut is_accepted = false;
        loop {
            number += 1;
            let push = format!(
                r#"{{"app":"{APP}","target":{{"apns":{{"token":"{}"}}}},"content":{{"notification":{{"title":"x"}}}}}}"#,
                good(number)
            );
            let head = "POST /v1/pushes HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n";
            let call = format!("{head}content-length: {}\r\n\r\n{push}", push.len());
            let is_sent = stream.write_all(call.as_bytes()).await.is_ok();
            if !is_sent || timeout(SOON, stream.peek(&mut [0])).await.unwrap().ok() != Some(1) {
                assert!(!is_accepted && *drained.borrow(), "a call has no answer");
                break;
            }
            is_accepted = true;
            let answer = one_answer(&mut stream).await;
            assert!(answer.contains("ACCEPTED"), "{answer}");
            answered += 1;
            if field(&answer, "connection") == Some("close") {
                break;
            }
        }
    }
    answered
}

/// Waits until the gateway says that it ends.
async fn drains(admin: SocketAddr) {
    let says_so =
        async { while !crate::harness::http_get(admin, "/readyz").await.starts_with("HTTP/1.1 503") {} };
    timeout(SOON, says_so).await.expect("it says that it is not ready");
}

#[tokio::test]
async fn a_caller_that_does_not_leave_holds_nobody_up_for_long() {
    let world = world(|http, config| {
        http.body_timeout = Duration::from_secs(3600);
        config.drain_timeout = Duration::from_millis(200);
    })
    .await;
    let mut stuck = connect(&world).await;
    let head = format!("POST {SEND_PUSH} HTTP/1.1\r\nhost: gateway\r\ncontent-length: 10\r\n\r\n");
    stuck.write_all(head.as_bytes()).await.unwrap();
    let line =
        format!("fanfare_listener_connections{{listener=\"http:{}\"}} ", world.gateway.http_addresses()[0]);
    until(|| crate::harness::metric(&world.gateway, &line) == 1.0).await;
    timeout(SOON, world.gateway.shut_down()).await.expect("the gateway ends");
    rest(stuck).await;
}
