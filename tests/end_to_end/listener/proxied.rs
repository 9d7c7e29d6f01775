//! The PROXY protocol, from those who are trusted and those who are not.
//!
//! Source: haproxy.org, "The PROXY protocol", sections 2.1 and 2.2.

use super::{Listening, ask};
use crate::harness::until;

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.8 4711 443\r\n";
const V1_UNKNOWN: &[u8] = b"PROXY UNKNOWN\r\n";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header of version 2: PROXY over TCP on IPv4, with these addresses, ports 4711 and 443, and a field without meaning.
fn v2() -> Vec<u8> {
    let addresses = [192, 0, 2, 7, 192, 0, 2, 8, 0x12, 0x67, 0x01, 0xbb];
    [SIGNATURE, &[0x21, 0x11, 0, 16], &addresses, &[4, 0, 1, 0]].concat()
}

/// What a proxy sends that connects for itself, to see whether the listener is there.
fn v2_local() -> Vec<u8> {
    [SIGNATURE, &[0x20, 0, 0, 0]].concat()
}

#[tokio::test]
async fn a_trusted_proxy_says_where_a_connection_comes_from() {
    let networks = || vec!["127.0.0.0/8".parse().unwrap()];
    let listening = Listening::http1(|settings| settings.trusted_proxies = networks()).await;
    for header in [V1, &v2()] {
        let answer = ask(listening.connect().await, header).await;
        assert!(answer.ends_with("\r\n192.0.2.7:4711 0"), "{answer}");
    }
    for header in [V1_UNKNOWN, &v2_local()] {
        let socket = listening.connect().await;
        let own = socket.local_addr().unwrap();
        let answer = ask(socket, header).await;
        assert!(answer.ends_with(&format!("\r\n{own} 0")), "{answer}");
    }
    assert_eq!(listening.refused("proxy_header"), 0);
    for missing in [&b""[..], b"PROXY TCP4 192.0.2.7 192.0.2.8 4711 x\r\n"] {
        assert_eq!(ask(listening.connect().await, missing).await, "");
    }
    until(|| listening.refused("proxy_header") == 2).await;
    // The limit of an address is that of the address behind the proxy.
    let limited = Listening::http1(|settings| {
        settings.trusted_proxies = networks();
        settings.max_connections_per_address = Some(1);
    })
    .await;
    let kept = [limited.connect().await, limited.connect().await];
    until(|| limited.connections() == 2).await;
    for socket in kept {
        assert!(ask(socket, V1).await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn a_header_of_anyone_else_is_no_header() {
    let networks = vec!["192.0.2.0/24".parse().unwrap()];
    let listening = Listening::http1(|settings| settings.trusted_proxies = networks).await;
    for forged in [V1, &v2()] {
        let answer = ask(listening.connect().await, forged).await;
        assert!(!answer.contains("192.0.2.7") && !answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let socket = listening.connect().await;
    let own = socket.local_addr().unwrap();
    assert!(ask(socket, b"").await.ends_with(&format!("\r\n{own} 0")));
    assert_eq!(listening.refused("proxy_header"), 0);
}
