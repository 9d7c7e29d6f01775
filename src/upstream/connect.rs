//! A connection's beginning: resolve, TCP, TLS with ALPN, HTTP/2.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use h2::client::SendRequest;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::UpstreamSettings;
use super::error::ConnectError;
use super::peer::Peer;
use crate::transport::{Counted, Io, Taken, Transport, Wire};

/// A future that a trait object returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Finds the addresses of a name. Asked afresh for each connection, as Apple advises ("Sending notification
/// requests to APNs").
pub trait Resolve: Send + Sync + 'static {
    /// The addresses, best first.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// Opens a byte stream to an address.
pub trait Dial: Send + Sync + 'static {
    /// The open stream.
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>>;
}

/// The operating system's resolver.
#[derive(Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// TCP.
#[derive(Debug)]
pub struct TcpDialer;

impl Dial for TcpDialer {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            // Writes are gathered before they reach the socket; waiting for more would only delay.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Io>)
        })
    }
}

/// How connections to any peer begin.
pub(super) struct Connector {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) dialer: Arc<dyn Dial>,
}

/// A connection on which HTTP/2 has begun.
pub(super) struct Connected {
    pub(super) wire: Arc<Wire>,
    pub(super) sender: SendRequest<Bytes>,
    pub(super) connection: h2::client::Connection<Transport, Bytes>,
    pub(super) address: SocketAddr,
}

impl Connector {
    pub(super) async fn connect(
        &self,
        peer: &Peer,
        settings: &UpstreamSettings,
    ) -> Result<Connected, ConnectError> {
        let host = || peer.origin.host().to_owned();
        let opened = tokio::time::timeout(settings.connect_timeout, self.open(peer)).await;
        let (io, taken, address) = match opened {
            Ok(opened) => opened?,
            Err(_) => {
                let seconds = settings.connect_timeout.as_secs_f64();
                return Err(ConnectError::Timeout { host: host(), seconds });
            }
        };
        let (transport, wire) = Transport::new(io, taken);
        let (sender, connection) = http2(settings)
            .handshake(transport)
            .await
            .map_err(|source| ConnectError::Handshake { host: host(), source })?;
        Ok(Connected { wire, sender, connection, address })
    }

    /// TCP and TLS with one address.
    async fn begin(&self, peer: &Peer, address: SocketAddr) -> Result<(Box<dyn Io>, Taken), ConnectError> {
        let tcp = self.dialer.dial(address).await.map_err(|source| ConnectError::Tcp { address, source })?;
        let (tcp, taken) = Counted::new(tcp);
        if !peer.origin.tls() {
            return Ok((Box::new(tcp), taken));
        }
        let host = peer.origin.host();
        let tls_error = |source| ConnectError::Tls { host: host.to_owned(), source };
        let name =
            ServerName::try_from(host.to_owned()).map_err(|error| tls_error(io::Error::other(error)))?;
        let stream = TlsConnector::from(Arc::clone(&peer.tls)).connect(name, tcp).await.map_err(tls_error)?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(ConnectError::NotHttp2 { host: host.to_owned() });
        }
        Ok((Box::new(stream), taken))
    }

    /// Any of the addresses, begun at a random one, so that connections spread over them. An address that does
    /// not answer, to TCP or to TLS, holds the others up for a moment only.
    async fn open(&self, peer: &Peer) -> Result<(Box<dyn Io>, Taken, SocketAddr), ConnectError> {
        let host = peer.origin.host();
        let resolved = self.resolver.resolve(host, peer.origin.port()).await;
        let resolved = resolved.map_err(|source| ConnectError::Resolve { host: host.to_owned(), source })?;
        let mut failed = ConnectError::NoAddress { host: host.to_owned() };
        let mut waiting = in_turn(resolved).into_iter();
        let mut dials = FuturesUnordered::new();
        loop {
            let next = waiting.next();
            if let Some(address) = next {
                dials.push(async move { (address, self.begin(peer, address).await) });
            }
            let patience = async {
                match next {
                    Some(_) if waiting.len() > 0 => tokio::time::sleep(NEXT_ADDRESS_AFTER).await,
                    Some(_) | None => std::future::pending().await,
                }
            };
            tokio::select! {
                dialled = dials.next() => match dialled {
                    Some((address, Ok((io, taken)))) => return Ok((io, taken, address)),
                    Some((_, Err(error))) => failed = error,
                    None => return Err(failed),
                },
                () = patience => {}
            }
        }
    }
}

/// From one address to the next. Source: RFC 8305, section 5, on the connection attempt delay.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// Addresses to try, the families by turns. Source: RFC 8305, section 4.
fn in_turn(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    fastrand::shuffle(&mut addresses);
    let (six, four): (Vec<_>, Vec<_>) = addresses.into_iter().partition(SocketAddr::is_ipv6);
    let both = six.len().min(four.len());
    let rest = six[both..].iter().chain(&four[both..]).copied().collect::<Vec<_>>();
    six.into_iter().zip(four).flat_map(|(six, four)| [six, four]).chain(rest).collect()
}

/// HTTP/2 as the pool needs it. Each setting but the first cures a fault of h2's defaults under load:
/// cancelled streams and small DATA frames would make h2 end a busy connection by itself
/// (hyperium/h2 issues 856, 939 and 944).
fn http2(settings: &UpstreamSettings) -> h2::client::Builder {
    let mut builder = h2::client::Builder::new();
    builder
        .enable_push(false)
        // Until SETTINGS come h2 would open any number.
        .initial_max_send_streams(1)
        .max_header_list_size(settings.max_reply_header_bytes)
        .max_concurrent_reset_streams(4096)
        .reset_stream_duration(Duration::from_secs(60))
        .max_local_error_reset_streams(None)
        .data_frame_budget(4 * 1024 * 1024)
        .initial_connection_window_size(16 * 1024 * 1024);
    builder
}
