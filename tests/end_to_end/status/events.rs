//! Events: each tells how everything is, the first with the whole series. There are so many listeners, and a slow one holds
//! nothing up.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::schema;
use crate::harness::{SOON, World, good, push};

/// Somebody who listens to events.
struct Listener(BufReader<TcpStream>);

impl Listener {
    /// Asks for events, and returns the status line of the answer too.
    async fn open(admin: SocketAddr) -> (Self, String) {
        let mut stream = TcpStream::connect(admin).await.unwrap();
        stream.write_all(b"GET /status/events HTTP/1.1\r\nhost: gateway\r\n\r\n").await.unwrap();
        let mut listener = Self(BufReader::new(stream));
        let status = listener.line().await.unwrap();
        while !listener.line().await.unwrap().is_empty() {}
        (listener, status)
    }

    /// The next line; none at the end.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(SOON, self.0.read_line(&mut line)).await.expect("a line comes").unwrap_or(0);
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next status, which is as its schema says; none at the end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(data) = self.line().await?.strip_prefix("data: ") {
                let status = serde_json::from_str(data).unwrap();
                schema::check(&status);
                return Some(status);
            }
        }
    }
}

#[tokio::test]
async fn events_go_on_and_tell_what_has_changed_until_the_gateway_ends() {
    let world = World::start().await;
    let (mut listener, status) = Listener::open(world.gateway.admin_address()).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    let first = listener.next().await.unwrap();
    assert_eq!(first["apps"][0]["health"], "unused");
    world.send(push(&good(1))).await;
    let mut known = 0;
    loop {
        let status = listener.next().await.unwrap();
        let series = &status["series"];
        let (first, news) =
            (series["first"].as_u64().unwrap(), series["at"].as_array().unwrap().len() as u64);
        assert!(known == 0 || first == known + 1, "each sample is told once: {series}");
        known = first + news - 1;
        let accepted = series["per_second"]["accepted"].as_array();
        if accepted.is_some_and(|rates| rates.iter().any(|rate| rate.as_f64() > Some(0.0))) {
            assert_eq!(status["apps"][0]["health"], "well");
            assert!(series["p50_ms"].as_array().unwrap().iter().any(Value::is_number), "{series}");
            break;
        }
    }
    let World { gateway, simulator: _simulator, client } = world;
    drop(client);
    let ending = tokio::spawn(gateway.shut_down());
    let mut said_so = false;
    while let Some(status) = listener.next().await {
        said_so |= status["ready"] == false;
    }
    assert!(said_so, "the last events say that it takes no more pushes");
    timeout(SOON, ending).await.expect("events hold no shutdown up").unwrap();
}

#[tokio::test]
async fn there_are_so_many_listeners_and_one_who_leaves_makes_room() {
    let world = World::start().await;
    let admin = world.gateway.admin_address();
    let mut listeners = Vec::new();
    let refused = loop {
        let (listener, status) = Listener::open(admin).await;
        if status != "HTTP/1.1 200 OK" {
            break status;
        }
        listeners.push(listener);
    };
    assert_eq!((refused.as_str(), listeners.len()), ("HTTP/1.1 503 Service Unavailable", 16));
    drop(listeners);
    let again = async { while Listener::open(admin).await.1 != "HTTP/1.1 200 OK" {} };
    timeout(SOON, again).await.expect("there is room again");
}
