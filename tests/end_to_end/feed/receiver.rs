//! The receiver of a feed, made with hyper: HTTP/2 over TLS on loopback.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::verifier::{SECRET, verified};

/// What the receiver answers.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// It answers this status.
    Status(u16),
    /// It answers 503, and asks to wait for so many seconds.
    Later(u64),
    /// It answers 200, with a body of so many bytes.
    Large(usize),
    /// It never answers.
    Never,
}

/// A request, whose signature was verified.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) id: String,
    pub(super) path: String,
    pub(super) signatures: usize,
    pub(super) events: Vec<Value>,
    pub(super) status: u16,
}

pub(super) struct Receiver {
    pub(super) origin: String,
    /// The receiver's certificate.
    pub(super) pem: String,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    shared: Arc<Mutex<Shared>>,
    task: JoinHandle<()>,
}

struct Shared {
    /// What it answers next, one for each request, and what it answers then.
    next: VecDeque<Answer>,
    then: Answer,
    received: Vec<Received>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// Answers these one after the other, and then 204.
    pub(super) async fn start(next: impl IntoIterator<Item = Answer>) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let next = next.into_iter().collect();
        let shared = Shared { next, then: Answer::Status(204), received: Vec::new() };
        let shared = Arc::new(Mutex::new(shared));
        let task = tokio::spawn(accept(listener, acceptor.clone(), Arc::clone(&shared)));
        let origin = format!("https://localhost:{}", address.port());
        Self { origin, pem: made.cert.pem(), address, acceptor, shared, task }
    }

    /// Answers this from now on.
    pub(super) fn answer(&self, answer: Answer) {
        self.shared.lock().unwrap().then = answer;
    }

    /// Every request that came.
    pub(super) fn received(&self) -> Vec<Received> {
        self.shared.lock().unwrap().received.clone()
    }

    /// The events that were answered 2xx.
    pub(super) fn taken(&self) -> Vec<Value> {
        let received = self.received();
        let taken = received.iter().filter(|it| (200..300).contains(&it.status));
        taken.flat_map(|it| it.events.clone()).collect()
    }

    /// Ends every connection, and listens no more.
    pub(super) async fn stop(&mut self) {
        self.task.abort();
        assert!((&mut self.task).await.is_err_and(|error| error.is_cancelled()));
    }

    /// Listens again, at the same address.
    pub(super) async fn restart(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.task = tokio::spawn(accept(listener, self.acceptor.clone(), Arc::clone(&self.shared)));
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Mutex<Shared>>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        connections.spawn(serve(socket, acceptor.clone(), Arc::clone(&shared)));
    }
}

async fn serve(socket: TcpStream, acceptor: TlsAcceptor, shared: Arc<Mutex<Shared>>) {
    let Ok(tls) = acceptor.accept(socket).await else { return };
    let answer = service_fn(|request: hyper::Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, &shared).await) }
    });
    let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    // A client that leaves ends the connection.
    let _ = http2.serve_connection(TokioIo::new(tls), answer).await;
}

async fn answer(request: hyper::Request<Incoming>, shared: &Mutex<Shared>) -> hyper::Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(
        (head.method.as_str(), &head.headers["content-type"]),
        ("POST", &"application/json".parse().unwrap())
    );
    let answer = {
        let mut shared = shared.lock().unwrap();
        let answer = shared.next.pop_front().unwrap_or_else(|| shared.then.clone());
        let status = match answer {
            Answer::Status(status) => status,
            Answer::Later(_) => 503,
            Answer::Large(_) => 200,
            Answer::Never => 0,
        };
        let text = |name: &str| head.headers[name].to_str().unwrap().to_owned();
        let events = serde_json::from_slice::<Value>(&body).unwrap()["events"].as_array().unwrap().clone();
        shared.received.push(Received {
            id: text("webhook-id"),
            path: head.uri.path_and_query().unwrap().to_string(),
            signatures: verified(SECRET, &head.headers, &body),
            events,
            status,
        });
        answer
    };
    let empty = |status: u16| hyper::Response::builder().status(status).header("location", "/elsewhere");
    match answer {
        Answer::Status(status) => empty(status).body(Full::default()).unwrap(),
        Answer::Later(seconds) => empty(503).header("retry-after", seconds).body(Full::default()).unwrap(),
        Answer::Large(bytes) => empty(200).body(Full::new(Bytes::from(vec![b' '; bytes]))).unwrap(),
        Answer::Never => std::future::pending().await,
    }
}
