//! The JSON ingress: the contract by plain HTTP.

mod batch;
mod batch_ends;
mod http2;
mod mistakes;
mod page;
mod pushes;

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use fanfare::config::Config;
use fanfare::ingress::http::HttpSettings;
use fanfare::ingress::json::JsonSettings;
use fanfare_simulator::SimulatorBuilder;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::harness::{APP, World};

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

/// A world whose gateway has a listener that serves JSON.
async fn world(change: impl FnOnce(&mut Config)) -> World {
    world_with(|builder| builder, change).await
}

async fn world_with(
    simulator: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder,
    change: impl FnOnce(&mut Config),
) -> World {
    World::with(simulator, |config| {
        let mut http = HttpSettings::on(SocketAddr::from(([127, 0, 0, 1], 0)));
        http.json = Some(JsonSettings::default());
        config.http.push(http);
        change(config);
    })
    .await
}

/// A push to a device.
fn push(token: &str) -> Value {
    json!({
        "app": APP,
        "target": {"apns": {"token": token}},
        "content": {"notification": {"title": "Hello", "body": "World"}},
    })
}

/// Makes a call on a connection of its own.
async fn call<B>(world: &World, request: Request<B>) -> Response<Incoming>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    call_on(TcpStream::connect(world.gateway.http_addresses()[0]).await.unwrap(), request).await
}

/// Makes a call on a connection that nobody else uses.
async fn call_on<B>(socket: TcpStream, request: Request<B>) -> Response<Incoming>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let (mut caller, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    caller.send_request(request).await.unwrap()
}

fn request<B>(method: Method, path: &str, fields: &[(&str, &str)], body: B) -> Request<B> {
    let mut request = Request::builder().method(method).uri(path).header("host", "gateway");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

/// Makes a call, and reads its answer, which must be JSON.
async fn answer(
    world: &World,
    path: &str,
    fields: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> (StatusCode, HeaderMap, Value) {
    let answer = call(world, request(Method::POST, path, fields, Full::new(body.into()))).await;
    let (status, fields) = (answer.status(), answer.headers().clone());
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, fields, serde_json::from_slice(&body).unwrap())
}

/// Posts JSON to `/v1/pushes`.
async fn post(world: &World, body: &Value) -> (StatusCode, Value) {
    let (status, _, said) = answer(world, "/v1/pushes", &[("content-type", JSON)], body.to_string()).await;
    (status, said)
}
