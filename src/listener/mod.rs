//! Who may connect: accepts connections, agrees on TLS, and serves HTTP on each, within limits.
//!
//! tonic's server and axum's accept whoever comes: they bound neither how many there are, nor how long a handshake, an idle
//! connection or an answer that nobody takes may last. So the listeners accept by themselves and serve with hyper; the
//! services behind them are tonic's and axum's.

mod accept;
mod accepting;
mod addresses;
mod age;
mod answer;
mod bout;
mod called;
mod calls;
mod connection;
mod draining;
mod events;
mod joined;
mod leaving;
mod linger;
mod on_the_way;
mod opening;
mod patience;
mod preface;
mod protocol;
mod reading;
mod serving;
mod settings;
mod spares;
mod tls;
mod watched;
mod woken;

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

pub use accepting::Accepting;
pub(crate) use addresses::network;
pub use age::AgeSettings;
pub use connection::Connection;
pub use draining::Draining;
pub use leaving::Leaving;
pub use protocol::{Http2Settings, Protocol};
pub(crate) use reading::poll_frame;
pub use settings::ListenerSettings;
pub use tls::{NewServerTls, ServerTls, ServerTlsError};
pub use watched::{AnswerGone, AnswerWatch, WatchedByItself};

use crate::metrics::{ConnectionRefusal, ListenerMetrics};
use accept::Acceptor;
use addresses::Addresses;
use bout::Bout;
use opening::Entrance;
use serving::Serving;
use spares::Spares;

/// A socket that listens, and how its connections are served.
pub struct Listener {
    /// What the log calls it.
    pub name: Arc<str>,
    /// The socket.
    pub socket: TcpListener,
    /// Its limits.
    pub settings: ListenerSettings,
    /// The HTTP that it speaks.
    pub protocol: Protocol,
    /// How many descriptors it keeps back, so that it accepts connections when the process has none left.
    pub spare_descriptors: usize,
    /// Whether it can accept connections, which it says here.
    pub accepting: Accepting,
    /// Whether its gateway drains.
    pub draining: Draining,
    /// What it counts.
    pub metrics: ListenerMetrics,
}

impl Listener {
    /// Accepts and serves connections until `stop`, and then until they have ended, which they are told to do. `make_service`
    /// makes the service of one connection. Connections that are left when the future is dropped are aborted.
    pub async fn serve<M, S, B>(self, make_service: M, stop: CancellationToken)
    where
        M: Fn(&Arc<Connection>) -> S + Send + Sync + 'static,
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn Error + Send + Sync>> + Send,
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let Self { name, socket, settings, protocol, spare_descriptors, accepting, draining, metrics } = self;
        let most = settings.max_connections;
        let mut acceptor = Acceptor::new(
            socket,
            Arc::clone(&name),
            Spares::keep(spare_descriptors),
            accepting,
            metrics.clone(),
        );
        let entrance = Entrance {
            trusted_proxies: settings.trusted_proxies.clone(),
            addresses: Addresses::new(settings.max_connections_per_address),
            tls: settings.tls.clone(),
        };
        let serving = Arc::new(Serving {
            name: Arc::clone(&name),
            settings,
            protocol,
            entrance,
            draining,
            metrics,
            make_service,
        });
        let (mut connections, mut full) = (JoinSet::new(), Bout::default());
        let mut take = |connections: &mut JoinSet<()>, (socket, from)| {
            if connections.len() >= most {
                serving.metrics.refused(ConnectionRefusal::MaxConnections);
                if full.came(Instant::now()) {
                    tracing::warn!(
                        listener = &*name,
                        most,
                        "the listener is full: further connections are closed"
                    );
                }
                return;
            }
            if let Some(lasted) = full.stayed_away(Instant::now()) {
                tracing::info!(listener = &*name, ?lasted, "the listener is no longer full");
            }
            let serving = Arc::clone(&serving);
            // Each connection has a token of its own, since each poll of a token locks it.
            let stop = stop.child_token();
            connections.spawn(async move { serving.serve(socket, from, stop).await });
        };
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = connections.join_next() => report(&name, ended),
                accepted = acceptor.accept() => take(&mut connections, accepted),
            }
        }
        // To their clients, connections that wait in the backlog are open, and may have brought a call. Closing the socket would
        // reset them.
        acceptor.backlog().for_each(|accepted| take(&mut connections, accepted));
        while let Some(ended) = connections.join_next().await {
            report(&name, ended);
        }
    }
}

fn report(listener: &str, ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(listener, %error, "the task of a connection has broken, which is a bug of the gateway");
    }
}
