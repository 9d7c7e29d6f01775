//! The end of a gateway: HTTP callers leave politely.

use std::time::Duration;

use super::*;
use crate::harness::until;

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
async fn during_the_delay_calls_are_taken_as_before() {
    let world = world(|_, config| config.drain_delay = Duration::from_secs(3600)).await;
    let (address, World { gateway, simulator: _simulator, client }) =
        (world.gateway.http_addresses()[0], world);
    drop(client);
    let admin = gateway.admin_address();
    let (hurry, hurried) = tokio::sync::oneshot::channel::<()>();
    let ends = tokio::spawn(gateway.shut_down_hurried_by(async { _ = hurried.await }));
    let draining =
        async { while !crate::harness::http_get(admin, "/readyz").await.starts_with("HTTP/1.1 503") {} };
    timeout(SOON, draining).await.expect("it says that it is not ready");
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..2 {
        stream.write_all(post(SEND_PUSH, "").as_bytes()).await.unwrap();
        let answer = one_answer(&mut stream).await;
        assert!(is_taken(status_of(&answer)) && field(&answer, "connection").is_none(), "{answer}");
    }
    hurry.send(()).unwrap();
    assert_eq!(rest(stream).await, "");
    timeout(SOON, ends).await.expect("the gateway ends").unwrap();
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
