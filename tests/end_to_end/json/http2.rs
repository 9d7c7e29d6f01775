//! The same over HTTP/2.

use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{LINES, push, world};
use crate::harness::{SOON, good};
use crate::listener::authority::{Authority, handshake};

#[tokio::test]
async fn a_batch_over_http_2_is_the_same() {
    let own = Authority::new();
    let world = world(|config| config.http[0].listener.tls = Some(own.server(&[]))).await;
    let socket = TcpStream::connect(world.gateway.http_addresses()[0]).await.unwrap();
    let stream = handshake(&Arc::new(own.client(None, b"h2")), socket).await.unwrap();
    let (mut send, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request =
        http::Request::post("https://gateway/v1/batch").header("content-type", LINES).body(()).unwrap();
    let (answer, mut body) = send.send_request(request, false).unwrap();
    body.send_data(format!("{}\n", push(&good(1))).into(), false).unwrap();
    let mut answer = timeout(SOON, answer).await.unwrap().unwrap().into_body();
    let mut said = Vec::new();
    while !said.ends_with(b"]}\n") {
        said.extend_from_slice(&timeout(SOON, answer.data()).await.unwrap().unwrap().unwrap());
    }
    assert!(String::from_utf8_lossy(&said).contains("OUTCOME_ACCEPTED"), "the verdict comes before the end");
    body.send_data(Bytes::new(), true).unwrap();
    while let Some(data) = timeout(SOON, answer.data()).await.unwrap() {
        said.extend_from_slice(&data.unwrap());
    }
    assert!(said.ends_with(b"\"end\":true}\n"), "{}", String::from_utf8_lossy(&said));
}
