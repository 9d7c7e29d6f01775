//! The end of a connection: the client reads all that was written to it, whatever it writes itself meanwhile.
//!
//! Each client here writes much that nobody needs before it reads its answer. Where a socket is closed while such bytes are
//! unread, the kernel resets the connection, and what has not left it by then never does.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::authority::{Authority, handshake};
use super::ending::PONG;
use super::frames::{self, GET_LARGE, HEADERS, goaways, sum_of_data};
use super::{LARGE, Listening};
use crate::harness::{LOOK, SOON, until};

/// In how many pieces it writes. The kernel tells of a reset that an earlier piece has met.
const PIECES: usize = 1000;

/// What the client's kernel takes before the client reads, which is less than the answer.
const RECEIVE_BUFFER: u32 = 4096;

/// Frames that say nothing: the window of the connection, increased by one. Source: RFC 9113, section 6.9.
const WINDOW_UPDATE: &[u8] = &[0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// A PING that names a stream, which is a connection error of type PROTOCOL_ERROR. Source: RFC 9113, section 6.7.
const WRONG: &[u8] = &[0, 0, 8, 6, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
const PROTOCOL_ERROR: u32 = 1;

async fn connect(listening: &Listening) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(RECEIVE_BUFFER).unwrap();
    socket.connect(listening.address).await.unwrap()
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, what: &[u8]) {
    for _ in 0..PIECES {
        stream.write_all(what).await.expect("the gateway takes all");
    }
}

/// Once the HTTP of the only connection is over, writes `what` over and over, and then reads until the other side ends the
/// connection, which it must do without a reset.
async fn write_then_read<S: AsyncRead + AsyncWrite + Unpin>(
    listening: &Listening,
    stream: &mut S,
    what: &[u8],
) -> Vec<u8> {
    until(|| listening.speaking() == 0).await;
    write(stream, what).await;
    let mut read = Vec::new();
    timeout(SOON, stream.read_to_end(&mut read)).await.expect("the connection ends").expect("it ends well");
    read
}

/// Asks for the large answer over HTTP/2, and reads until it has begun.
async fn begin<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    stream.write_all(&[frames::PREFACE, frames::SETTINGS, GET_LARGE].concat()).await.unwrap();
    while frames::next(stream).await != HEADERS {}
}

async fn reads_the_whole_answer<S: AsyncRead + AsyncWrite + Unpin>(listening: &Listening, stream: &mut S) {
    begin(stream).await;
    listening.stop.cancel();
    // The HTTP ends when the gateway hears that its first GOAWAY was seen, which counts only once that was sent.
    while listening.speaking() > 0 {
        let _ = stream.write_all(PONG).await;
        tokio::time::sleep(LOOK).await;
    }
    let read = write_then_read(listening, stream, WINDOW_UPDATE).await;
    assert_eq!(sum_of_data(&read), LARGE);
    assert_eq!(goaways(&read), [0, 0], "the first GOAWAY and the last");
}

#[tokio::test]
async fn an_answer_that_is_followed_by_the_end_arrives_whole() {
    let listening = Listening::http2(|_| {}).await;
    reads_the_whole_answer(&listening, &mut connect(&listening).await).await;
}

#[tokio::test]
async fn over_tls_as_well_and_the_end_of_tls_is_said() {
    let own = Authority::new();
    let listening = Listening::http2(|settings| settings.tls = Some(own.server(&[]))).await;
    let config = Arc::new(own.client(None, b"h2"));
    let mut stream = handshake(&config, connect(&listening).await).await.unwrap();
    // rustls tells an end that TLS did not announce as an error.
    reads_the_whole_answer(&listening, &mut stream).await;
}

#[tokio::test]
async fn over_http1_as_well() {
    let listening = Listening::http1(|_| {}).await;
    let mut socket = connect(&listening).await;
    socket.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    let read = write_then_read(&listening, &mut socket, b"GET / HTTP/1.1\r\n").await;
    let body = read.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(read.len() - body, LARGE);
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_told() {
    let listening = Listening::http2(|_| {}).await;
    let mut socket = connect(&listening).await;
    begin(&mut socket).await;
    socket.write_all(WRONG).await.unwrap();
    let read = write_then_read(&listening, &mut socket, WINDOW_UPDATE).await;
    assert_eq!(goaways(&read).last(), Some(&PROTOCOL_ERROR));
}

#[tokio::test]
async fn a_connection_that_is_closed_because_it_is_idle_is_not_reset() {
    let listening = Listening::http2(|settings| settings.idle_timeout = Duration::from_millis(50)).await;
    let mut socket = listening.connect().await;
    frames::begin(&mut socket).await;
    frames::next(&mut socket).await;
    // It does not say that it has seen the GOAWAY, so it is closed although its HTTP has not ended.
    assert!(!goaways(&write_then_read(&listening, &mut socket, WINDOW_UPDATE).await).is_empty());
}

#[tokio::test]
async fn a_client_whose_certificate_is_refused_is_told_why() {
    let (own, callers, foreign) = (Authority::new(), Authority::new(), Authority::new());
    let listening = Listening::http2(|settings| settings.tls = Some(own.server(&[&callers]))).await;
    let config = Arc::new(own.client(Some(&foreign), b"h2"));
    // To a client of TLS 1.3 the handshake is over before its certificate was looked at.
    let mut stream = handshake(&config, connect(&listening).await).await.unwrap();
    until(|| listening.refused("tls") == 1).await;
    write(&mut stream, WINDOW_UPDATE).await;
    let error = stream.read_u8().await.unwrap_err();
    assert!(error.to_string().contains("received fatal alert"), "{error}");
}

#[tokio::test]
async fn a_client_that_never_ends_its_side_holds_neither_its_connection_nor_the_listener() {
    let mut listening = Listening::http2(|_| {}).await;
    let mut socket = connect(&listening).await;
    begin(&mut socket).await;
    socket.write_all(WRONG).await.unwrap();
    until(|| listening.speaking() == 0).await;
    listening.stop.cancel();
    timeout(SOON, &mut listening.serving).await.expect("the listener ends").unwrap();
    assert_eq!(listening.connections(), 0);
    drop(socket);
}
