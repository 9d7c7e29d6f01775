//! The listener: who may connect, how long a connection may last that does nothing, and what one caller cannot do to others.

pub(crate) mod authority;
mod configuration;
mod descriptors;
mod ending;
pub(crate) mod frames;
mod last_bytes;
mod limits;
mod metadata;
mod proxied;
mod tls;
mod windows;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use fanfare::listener::{Connection, Http2Settings, Listener, ListenerSettings, Protocol};
use fanfare::metrics::Metrics;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::harness::SOON;

/// The size of the answer to `/large`. The kernel of the listener takes so much at once, and so does a stream of HTTP/2.
const LARGE: usize = 48 * 1024;

/// A listener whose answers say where the caller comes from, and how many certificates it showed.
struct Listening {
    address: SocketAddr,
    metrics: Metrics,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    /// The service of each connection has it too.
    served: Arc<()>,
}

impl Listening {
    async fn start(protocol: Protocol, change: impl FnOnce(&mut ListenerSettings)) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut settings = ListenerSettings::on(address);
        change(&mut settings);
        let (metrics, stop) = (Metrics::default(), CancellationToken::new());
        let listener = Listener {
            name: "test".into(),
            socket,
            settings,
            protocol,
            spare_descriptors: 0,
            accepting: fanfare::listener::Accepting::default(),
            draining: fanfare::listener::Draining::default(),
            metrics: metrics.listeners.listener("test"),
        };
        let served = Arc::new(());
        let of_service = Arc::downgrade(&served);
        let of_connection = move |connection: &Arc<Connection>| {
            let held = of_service.upgrade();
            let said = format!("{} {}", connection.address(), connection.certificates().len());
            Router::new().route("/large", get(async || vec![b'a'; LARGE])).fallback(async move || {
                drop(held);
                said
            })
        };
        let serving = tokio::spawn(listener.serve(of_connection, stop.clone()));
        Self { address, metrics, stop, serving, served }
    }

    async fn http1(change: impl FnOnce(&mut ListenerSettings)) -> Self {
        Self::start(Protocol::Http1, change).await
    }

    async fn http2(change: impl FnOnce(&mut ListenerSettings)) -> Self {
        Self::start(Protocol::Http2(Http2Settings::default()), change).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// How many connections were refused for this reason.
    fn refused(&self, reason: &str) -> u64 {
        let line = format!("fanfare_listener_refused_total{{listener=\"test\",reason=\"{reason}\"}} ");
        sample(&self.metrics, &line)
    }

    /// How many connections have a service, which is until their HTTP is over.
    fn speaking(&self) -> usize {
        Arc::strong_count(&self.served) - 1
    }

    fn connections(&self) -> u64 {
        sample(&self.metrics, "fanfare_listener_connections{listener=\"test\"} ")
    }
}

fn sample(metrics: &Metrics, line: &str) -> u64 {
    let page = metrics.page();
    page.lines().find_map(|it| it.strip_prefix(line)).expect(line).parse().unwrap()
}

/// Sends a request after what `begins`, and returns the whole answer, which is empty where the connection ends without one.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, begins: &[u8]) -> String {
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    // A connection that is closed already takes nothing.
    let _ = stream.write_all(&[begins, request].concat()).await;
    String::from_utf8(until_closed(stream).await).unwrap()
}

/// Reads until the other side closes the connection, which it must do.
async fn until_closed<S: AsyncRead + Unpin>(mut stream: S) -> Vec<u8> {
    let mut read = Vec::new();
    // A reset closes it as well.
    let _ = timeout(SOON, stream.read_to_end(&mut read)).await.expect("the connection is closed");
    read
}
