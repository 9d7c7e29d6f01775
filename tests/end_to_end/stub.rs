//! Upstreams whose answers a test writes itself: HTTP/1.1 byte for byte, and hyper with either protocol.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fanfare::app::{Gateway, Network};
use fanfare::config::{AppConfig, Config, Trust};
use fanfare::proto;
use fanfare::proto::push_service_client::PushServiceClient;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tonic::transport::Channel;

use crate::harness::connect;

pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"status\":\"OK\"}\n";

/// A gateway and its caller, in front of an upstream that the test has.
pub(crate) struct Front {
    /// The gateway serves while this is held.
    _gateway: Gateway,
    client: PushServiceClient<Channel>,
}

impl Front {
    pub(crate) async fn start(apps: Vec<AppConfig>, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::on_loopback(apps, Trust::of_system().unwrap());
        change(&mut config);
        let gateway = Gateway::start(config, Network::default()).await.unwrap();
        let client = connect(&gateway).await;
        Self { _gateway: gateway, client }
    }

    pub(crate) async fn send(&self, push: proto::Push) -> proto::PushResult {
        let request = proto::SendPushRequest { push: Some(Box::new(push)) };
        self.client.clone().send_push(request).await.unwrap().into_inner().result.unwrap()
    }
}

/// A server that answers the n-th request, over all connections, with bytes that a test chose.
pub(crate) struct Raw {
    pub(crate) address: SocketAddr,
    /// Heads and bodies of all requests.
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    pub(crate) connections: Arc<AtomicUsize>,
    /// How many connections the client ended while no request was under way.
    pub(crate) ended: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Raw {
    /// Starts a server. If the answer is `None`, it closes the connection instead.
    pub(crate) async fn start(answer: impl Fn(usize) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, connections, ended) =
            (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (seen, opened, gone) = (Arc::clone(&requests), Arc::clone(&connections), Arc::clone(&ended));
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                opened.fetch_add(1, Ordering::SeqCst);
                let (seen, gone, answer) = (Arc::clone(&seen), Arc::clone(&gone), Arc::clone(&answer));
                tokio::spawn(async move {
                    while let Some(request) = read_request(&mut socket).await {
                        let number = {
                            let mut seen = seen.lock().unwrap();
                            seen.push(request);
                            seen.len()
                        };
                        let Some(bytes) = answer(number) else { return };
                        if socket.write_all(&bytes).await.is_err() {
                            return;
                        }
                    }
                    gone.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, requests, connections, ended, task }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Reads head and body of the next request. Returns `None` if the client ended the connection.
async fn read_request(socket: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(head) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
            let length =
                text.split("content-length: ").nth(1)?.split("\r\n").next()?.parse::<usize>().ok()?;
            if bytes.len() >= head + 4 + length {
                return String::from_utf8(bytes).ok();
            }
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A server made with hyper. It speaks the protocol that ALPN chose among `alpn`, or HTTP/2 without TLS if there are none.
pub(crate) struct Either {
    pub(crate) origin: String,
    /// The server's certificate.
    pub(crate) pem: String,
    /// The HTTP versions of all requests.
    pub(crate) versions: Arc<Mutex<Vec<http::Version>>>,
    task: JoinHandle<()>,
}

impl Drop for Either {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Either {
    pub(crate) async fn start(alpn: Option<&[&str]>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let pem = made.cert.pem();
        let acceptor = alpn.map(|alpn| {
            let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let mut config = rustls::ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
                .unwrap();
            config.alpn_protocols = alpn.iter().map(|it| it.as_bytes().to_vec()).collect();
            TlsAcceptor::from(Arc::new(config))
        });
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let origin = format!("{scheme}://localhost:{}", address.port());
        let versions = Arc::<Mutex<Vec<_>>>::default();
        let task = tokio::spawn(accept(listener, acceptor, Arc::clone(&versions)));
        Self { origin, pem, versions, task }
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    versions: Arc<Mutex<Vec<http::Version>>>,
) {
    while let Ok((socket, _)) = listener.accept().await {
        let (versions, acceptor) = (Arc::clone(&versions), acceptor.clone());
        tokio::spawn(async move {
            let answer = service_fn(move |request: hyper::Request<Incoming>| {
                versions.lock().unwrap().push(request.version());
                async { Ok::<_, Infallible>(hyper::Response::new(Full::new(&b"{\"status\":\"OK\"}\n"[..]))) }
            });
            // A client that leaves ends the connection.
            let _ = match acceptor {
                None => http2(TokioIo::new(socket), answer).await,
                Some(acceptor) => {
                    let Ok(tls) = acceptor.accept(socket).await else { return };
                    if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
                        http2(TokioIo::new(tls), answer).await
                    } else {
                        let http1 = hyper::server::conn::http1::Builder::new();
                        http1.serve_connection(TokioIo::new(tls), answer).await
                    }
                }
            };
        });
    }
}

async fn http2<I, S>(io: TokioIo<I>, service: S) -> hyper::Result<()>
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
    S: hyper::service::HttpService<Incoming, ResBody = Full<&'static [u8]>, Error = Infallible> + 'static,
    S::Future: Send + 'static,
{
    hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await
}
