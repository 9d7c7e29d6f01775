//! The end of a listener.

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::frames::{self, goaways};
use super::{Listening, until_closed};
use crate::harness::{SOON, until};

/// The acknowledgement of the PING by which hyper learns that the client has seen its first GOAWAY.
pub(super) const PONG: &[u8] = &[0, 0, 8, 6, 1, 0, 0, 0, 0, 0x0b, 0x7b, 0xa2, 0xf0, 0x8b, 0x9b, 0xfe, 0x54];

#[tokio::test]
async fn at_the_end_each_connection_is_told_and_waited_for() {
    let mut listening = Listening::http2(|_| {}).await;
    let mut socket = listening.connect().await;
    frames::begin(&mut socket).await;
    let silent = listening.connect().await;
    until(|| listening.connections() == 2).await;
    socket.write_all(PONG).await.unwrap();
    listening.stop.cancel();
    let goaways = goaways(&until_closed(socket).await);
    assert!(!goaways.is_empty() && goaways.iter().all(|error| *error == 0), "{goaways:?}");
    drop(silent);
    timeout(SOON, &mut listening.serving).await.expect("the listener ends").unwrap();
    assert_eq!(listening.connections(), 0);
    assert!(tokio::net::TcpStream::connect(listening.address).await.is_err());
}

#[tokio::test]
async fn a_listener_that_is_dropped_closes_its_connections() {
    let listening = Listening::http2(|_| {}).await;
    let mut socket = listening.connect().await;
    frames::begin(&mut socket).await;
    until(|| listening.connections() == 1).await;
    listening.serving.abort();
    until_closed(socket).await;
    until(|| listening.connections() == 0).await;
}
