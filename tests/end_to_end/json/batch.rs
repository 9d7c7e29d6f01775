//! `POST /v1/batch`: what comes, and what goes meanwhile.

use std::convert::Infallible;
use std::fmt::Display;

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::{LINES, call_on, push, request, world};
use crate::harness::{APP, World, good};

/// The caller of a batch.
pub(super) struct Caller {
    to: Option<mpsc::Sender<Bytes>>,
    body: Incoming,
    read: BytesMut,
}

impl Caller {
    pub(super) async fn open(world: &World) -> Self {
        Self::open_on(TcpStream::connect(world.gateway.http_addresses()[0]).await.unwrap()).await
    }

    pub(super) async fn open_on(socket: TcpStream) -> Self {
        let (to, from) = mpsc::channel(16);
        let body = StreamBody::new(ReceiverStream::new(from).map(|it| Ok::<_, Infallible>(Frame::data(it))));
        let answer =
            call_on(socket, request(Method::POST, "/v1/batch", &[("content-type", LINES)], body)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], LINES);
        Self { to: Some(to), body: answer.into_body(), read: BytesMut::new() }
    }

    pub(super) async fn write(&self, line: impl Display) {
        self.write_text(format!("{line}\n")).await;
    }

    pub(super) async fn write_text(&self, text: impl Into<Bytes>) {
        self.to.as_ref().unwrap().send(text.into()).await.unwrap();
    }

    /// What is written from here on goes to whoever this is given to.
    pub(super) fn writer(&mut self) -> mpsc::Sender<Bytes> {
        self.to.take().unwrap()
    }

    pub(super) fn end(&mut self) {
        self.to = None;
    }

    /// The next line of the answer.
    pub(super) async fn line(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                return Some(serde_json::from_slice(&self.read.split_to(end + 1)).unwrap());
            }
            let frame = self.body.frame().await?.unwrap();
            self.read.extend_from_slice(&frame.into_data().unwrap());
        }
    }

    /// The next results. Lines that say how far the batch is are passed over.
    pub(super) async fn results(&mut self) -> Vec<Value> {
        loop {
            let line = self.line().await.expect("more results come");
            assert_eq!(line.get("end"), None, "{line}");
            if let Some(results) = line.get("results") {
                return results.as_array().unwrap().clone();
            }
        }
    }

    /// All results that are left, by their index, and the last line.
    pub(super) async fn rest(&mut self) -> (Vec<Value>, Value) {
        let (mut results, mut last) = (Vec::new(), None);
        while let Some(line) = self.line().await {
            assert_eq!(last, None, "a line behind the last one: {line}");
            results.extend(line["results"].as_array().cloned().unwrap_or_default());
            last = line.get("end").map(|_| line.clone());
        }
        results.sort_by_key(index);
        (results, last.expect("the last line says that it is the last"))
    }
}

fn index(result: &Value) -> u64 {
    result.get("index").map_or(0, |index| index.as_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn each_verdict_comes_while_the_caller_writes() {
    let world = world(|_| {}).await;
    let mut caller = Caller::open(&world).await;
    for number in 0..3_usize {
        caller.write(push(&good(number))).await;
        let results = caller.results().await;
        assert_eq!(results.len(), 1);
        assert_eq!((index(&results[0]), &results[0]["outcome"]), (number as u64, &json!("OUTCOME_ACCEPTED")));
    }
    caller.end();
    let (left, last) = caller.rest().await;
    assert!(left.is_empty());
    let settled = json!([{"outcome": "OUTCOME_ACCEPTED", "count": "3"}]);
    assert_eq!(last, json!({"progress": {"itemsRead": "3", "settled": settled}, "end": true}));
}

#[tokio::test]
async fn a_caller_that_waits_for_100_continue_is_told_to_go_on() {
    let world = world(|_| {}).await;
    let mut socket = TcpStream::connect(world.gateway.http_addresses()[0]).await.unwrap();
    let head = "POST /v1/batch HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\ncontent-type: application/x-ndjson\r\n";
    let line = format!("{}\n", push(&good(1)));
    let length = line.len();
    let head = format!("{head}expect: 100-continue\r\ncontent-length: {length}\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut said = [0; 25];
    socket.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(line.as_bytes()).await.unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
    assert!(said.contains("OUTCOME_ACCEPTED"), "{said}");
}

#[tokio::test]
async fn lines_may_arrive_in_any_pieces() {
    let world = world(|_| {}).await;
    let mut caller = Caller::open(&world).await;
    // Shells of Windows put a byte order mark first.
    let mut text = "\u{feff}".to_owned();
    for number in 0..20 {
        text.push_str(&format!("{}{}", push(&good(number)), ["\n", "\r\n", "\n\n \n"][number % 3]));
    }
    // The last line needs no end.
    let text = Bytes::from(text.trim_end().to_owned());
    for piece in text.chunks(7) {
        caller.write_text(text.slice_ref(piece)).await;
    }
    caller.end();
    let (results, last) = caller.rest().await;
    assert_eq!(results.iter().map(index).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    assert!(results.iter().all(|result| result["outcome"] == "OUTCOME_ACCEPTED"), "{results:?}");
    assert_eq!(last["progress"]["itemsRead"], "20");
}

#[tokio::test]
async fn the_first_line_may_have_the_options() {
    let world = world(|_| {}).await;
    let mut caller = Caller::open(&world).await;
    caller.write(json!({"options": {"app": APP, "results": "RESULT_SELECTION_PROBLEMS_ONLY"}})).await;
    for token in [good(1), format!("dead{:060x}", 2), good(3)] {
        let mut push = push(&token);
        push.as_object_mut().unwrap().remove("app");
        caller.write(push).await;
    }
    caller.end();
    let (results, last) = caller.rest().await;
    assert_eq!(results.len(), 1, "{results:?}");
    assert_eq!((index(&results[0]), &results[0]["outcome"]), (1, &json!("OUTCOME_UNREGISTERED")));
    assert_eq!(last["progress"]["itemsRead"], "3");
}

#[tokio::test]
async fn a_bad_line_is_a_result_that_names_it_and_the_batch_goes_on() {
    let world = world(|_| {}).await;
    let mut caller = Caller::open(&world).await;
    let mut typo = push(&good(1));
    typo["id"] = json!("typo");
    typo["contents"] = json!({});
    caller.write(push(&good(0))).await;
    caller.write("").await;
    caller.write(&typo).await;
    caller.write("{\"id\": \"cut").await;
    caller.write_text(&b"\xff\xfe\n"[..]).await;
    // Options are for the first line; elsewhere a line is a push.
    caller.write(json!({"options": {"app": APP}})).await;
    caller.write(push(&good(5))).await;
    caller.end();
    let (results, last) = caller.rest().await;
    let said = |at: usize| (results[at]["field"].as_str(), results[at]["detail"].as_str().unwrap());
    assert_eq!(results.len(), 6);
    assert_eq!(results[1]["id"], "typo");
    let column = typo.to_string().find("\"contents\"").unwrap() + "\"contents\"".len();
    let detail =
        format!("line 3, column {column}: contents: there is no such member (did you mean `content`?)");
    assert_eq!(said(1), (Some("contents"), detail.as_str()));
    assert_eq!(said(2), (None, "line 4, column 11: this is no JSON: EOF while parsing a string"));
    assert_eq!(said(3), (None, "line 5, column 1: expected UTF-8, found other bytes"));
    assert!(
        said(4).1.starts_with("line 6, column 17: options.app: there is no such member"),
        "{:?}",
        said(4)
    );
    assert!(results[1..=4].iter().all(|result| result["outcome"] == "OUTCOME_INVALID_PUSH"));
    assert_eq!(results[5]["outcome"], "OUTCOME_ACCEPTED");
    assert_eq!(last.get("problem"), None);
}
