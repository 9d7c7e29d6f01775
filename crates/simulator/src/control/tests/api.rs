//! A bare client of the control API.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{Simulator, SimulatorBuilder};

pub(super) struct Api {
    pub(super) simulator: Simulator,
    address: SocketAddr,
}

pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) json: Value,
}

impl Api {
    pub(super) async fn start(settings: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder) -> Self {
        let builder = Simulator::builder().control_listen((Ipv4Addr::LOCALHOST, 0).into());
        let simulator = settings(builder).start().await.unwrap();
        let origin = simulator.control_origin().unwrap();
        let address = origin.strip_prefix("http://").unwrap().parse().unwrap();
        Self { simulator, address }
    }

    /// Sends a request. The JSON is null where the answer has no body.
    pub(super) async fn call(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Told {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method.parse::<Method>().unwrap())
            .uri(path)
            .header("host", self.address.to_string())
            .body(Full::new(body.into()))
            .unwrap();
        let (head, body) = send.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let json = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Told { status: head.status, headers: head.headers, json }
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let told = self.call("GET", path, "").await;
        assert_eq!(told.status, 200, "{path} {}", told.json);
        told.json
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Told {
        self.call("POST", path, body.to_string()).await
    }
}
