//! A server of keys, made with hyper: HTTP/2 over TLS on loopback.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// What the server answers from now on.
#[derive(Clone)]
pub(super) enum Answer {
    /// It answers 200 with this body.
    Body(String),
    /// It answers this status, with a `location` on itself.
    Status(u16),
    /// It never answers.
    Never,
}

pub(super) struct JwksServer {
    pub(super) origin: String,
    /// The server's certificate.
    pub(super) pem: String,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    shared: Arc<Mutex<Shared>>,
    task: JoinHandle<()>,
}

struct Shared {
    answer: Answer,
    /// The paths of all requests.
    paths: Vec<String>,
}

impl Drop for JwksServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl JwksServer {
    pub(super) async fn start(answer: Answer) -> Self {
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
        let shared = Arc::new(Mutex::new(Shared { answer, paths: Vec::new() }));
        let task = tokio::spawn(accept(listener, acceptor.clone(), Arc::clone(&shared)));
        let origin = format!("https://localhost:{}", address.port());
        Self { origin, pem: made.cert.pem(), address, acceptor, shared, task }
    }

    pub(super) fn answer(&self, answer: Answer) {
        self.shared.lock().unwrap().answer = answer;
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.shared.lock().unwrap().paths.clone()
    }

    pub(super) fn requests(&self) -> usize {
        self.shared.lock().unwrap().paths.len()
    }

    /// Ends every connection, and listens no more.
    pub(super) async fn stop(&mut self) {
        self.task.abort();
        let ended = (&mut self.task).await;
        assert!(ended.is_err_and(|error| error.is_cancelled()));
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
    let answer = service_fn(move |request: hyper::Request<Incoming>| {
        let mut shared = shared.lock().unwrap();
        shared.paths.push(request.uri().path().to_owned());
        let answer = shared.answer.clone();
        async move {
            Ok::<_, Infallible>(match answer {
                Answer::Body(body) => hyper::Response::new(Full::new(Bytes::from(body))),
                Answer::Status(status) => hyper::Response::builder()
                    .status(status)
                    .header("location", "/elsewhere")
                    .body(Full::default())
                    .unwrap(),
                Answer::Never => std::future::pending().await,
            })
        }
    });
    let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    // A client that leaves ends the connection.
    let _ = http2.serve_connection(TokioIo::new(tls), answer).await;
}
