//! Connections that never begin, that do nothing, or that are too many.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::authority::Authority;
use super::frames::{self, PREFACE, SETTINGS, goaways};
use super::{Listening, ask, until_closed};
use crate::harness::until;

const SHORT: Duration = Duration::from_millis(100);

/// The first bytes of a ClientHello: a record of 512 bytes, which never come. Source: RFC 8446, section 5.1.
const HALF_HELLO: &[u8] = &[22, 3, 1, 2, 0, 1];

#[tokio::test]
async fn a_connection_that_does_not_begin_in_time_is_closed() {
    let own = Authority::new();
    let plain = Listening::http2(|settings| settings.handshake_timeout = SHORT).await;
    for begins in [&b""[..], &PREFACE[..10], PREFACE, &[PREFACE, &SETTINGS[..8]].concat()] {
        let mut socket = plain.connect().await;
        socket.write_all(begins).await.unwrap();
        until_closed(socket).await;
    }
    until(|| plain.refused("handshake_timeout") == 4 && plain.connections() == 0).await;
    let tls = Listening::http2(|settings| {
        settings.handshake_timeout = SHORT;
        settings.tls = Some(own.server(&[]));
    })
    .await;
    for begins in [b"", HALF_HELLO] {
        let mut socket = tls.connect().await;
        socket.write_all(begins).await.unwrap();
        until_closed(socket).await;
    }
    until(|| tls.refused("handshake_timeout") == 2 && tls.connections() == 0).await;
    let http1 = Listening::http1(|settings| settings.handshake_timeout = SHORT).await;
    let mut socket = http1.connect().await;
    socket.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    until_closed(socket).await;
    until(|| http1.refused("handshake_timeout") == 1 && http1.connections() == 0).await;
}

#[tokio::test]
async fn an_idle_connection_is_told_to_go_and_closed() {
    let listening = Listening::http2(|settings| settings.idle_timeout = SHORT).await;
    let mut socket = listening.connect().await;
    frames::begin(&mut socket).await;
    // This client does not answer the PING of a graceful end, and is closed all the same.
    let goaways = goaways(&until_closed(socket).await);
    assert!(!goaways.is_empty() && goaways.iter().all(|error| *error == 0), "{goaways:?}");
    assert_eq!(listening.refused("handshake_timeout"), 0);
    let http1 = Listening::http1(|settings| settings.idle_timeout = SHORT).await;
    let mut socket = http1.connect().await;
    socket.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let answer = String::from_utf8(until_closed(socket).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn an_address_has_no_more_connections_than_it_may_and_a_listener_no_more_than_it_takes() {
    for (per_address, most, reason) in [(Some(2), 100, "per_address"), (None, 2, "max_connections")] {
        let listening = Listening::http1(|settings| {
            settings.max_connections_per_address = per_address;
            settings.max_connections = most;
        })
        .await;
        let kept = [listening.connect().await, listening.connect().await];
        until(|| listening.connections() == 2).await;
        assert_eq!(ask(listening.connect().await, b"").await, "");
        until(|| listening.refused(reason) == 1).await;
        let [one, other] = kept;
        drop(one);
        until(|| listening.connections() == 1).await;
        let answer = ask(listening.connect().await, b"").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{reason}: {answer}");
        assert!(ask(other, b"").await.starts_with("HTTP/1.1 200"), "those that are there go on");
        assert_eq!(listening.refused(reason), 1);
    }
}
