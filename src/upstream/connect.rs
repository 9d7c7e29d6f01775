//! A connection's beginning: resolve, TCP, TLS with ALPN, HTTP/2.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use h2::client::SendRequest;
use rustls::HandshakeKind;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::UpstreamSettings;
use super::error::ConnectError;
use super::peer::Peer;
use crate::transport::{Counted, Io, Transport, Wire};

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

/// A connection on which the peer has spoken HTTP/2.
pub(super) struct Connected {
    pub(super) wire: Arc<Wire>,
    pub(super) sender: SendRequest<Bytes>,
    pub(super) connection: h2::client::Connection<Transport, Bytes>,
    pub(super) address: SocketAddr,
    /// TLS went on with an earlier session.
    pub(super) resumed: bool,
}

impl Connector {
    /// Connects to any of the peer's addresses.
    ///
    /// # Errors
    /// With what the last of them said, or that the time ran out.
    pub(super) async fn connect(
        &self,
        peer: &Peer,
        settings: &UpstreamSettings,
    ) -> Result<Connected, ConnectError> {
        match tokio::time::timeout(settings.connect_timeout, self.race(peer, settings)).await {
            Ok(ended) => ended,
            Err(_) => {
                let seconds = settings.connect_timeout.as_secs_f64();
                Err(ConnectError::Timeout { host: peer.origin.host().to_owned(), seconds })
            }
        }
    }

    /// Begun at a random address, so that connections spread over them. One that fails, or does not speak
    /// HTTP/2 within a moment, is joined by the next, and the first that speaks wins: a sick address, at
    /// whichever step it is sick, costs a moment.
    async fn race(&self, peer: &Peer, settings: &UpstreamSettings) -> Result<Connected, ConnectError> {
        let host = peer.origin.host();
        let resolved = self.resolver.resolve(host, peer.origin.port()).await;
        let resolved = resolved.map_err(|source| ConnectError::Resolve { host: host.to_owned(), source })?;
        let mut failed = ConnectError::NoAddress { host: host.to_owned() };
        let mut waiting = in_turn(resolved).into_iter();
        let mut attempts = FuturesUnordered::new();
        loop {
            let next = waiting.next();
            if let Some(address) = next {
                attempts.push(self.begin(peer, settings, address));
            }
            let patience = async {
                match next {
                    Some(_) if waiting.len() > 0 => tokio::time::sleep(NEXT_ADDRESS_AFTER).await,
                    Some(_) | None => std::future::pending().await,
                }
            };
            tokio::select! {
                ended = attempts.next() => match ended {
                    Some(Ok(connected)) => return Ok(connected),
                    Some(Err(error)) => failed = error,
                    None => return Err(failed),
                },
                () = patience => {}
            }
        }
    }

    /// TCP, TLS, HTTP/2 to one address.
    async fn begin(
        &self,
        peer: &Peer,
        settings: &UpstreamSettings,
        address: SocketAddr,
    ) -> Result<Connected, ConnectError> {
        let dialled = self.dialer.dial(address).await;
        let tcp = dialled.map_err(|source| ConnectError::Tcp { address, source })?;
        let (tcp, taken) = Counted::new(tcp);
        let (io, resumed): (Box<dyn Io>, bool) =
            if peer.origin.tls() { tls(peer, tcp).await? } else { (Box::new(tcp), false) };
        let (transport, wire) = Transport::new(io, taken);
        let host = || peer.origin.host().to_owned();
        let failed = |source| ConnectError::Handshake { host: host(), source };
        let (sender, mut connection) = http2(settings).handshake(transport).await.map_err(failed)?;
        match first_settings(&mut connection, &wire).await {
            Ok(true) => Ok(Connected { wire, sender, connection, address, resumed }),
            Ok(false) => Err(ConnectError::NoSettings { host: host() }),
            Err(source) => Err(failed(source)),
        }
    }
}

async fn tls(peer: &Peer, tcp: Counted<Box<dyn Io>>) -> Result<(Box<dyn Io>, bool), ConnectError> {
    let host = peer.origin.host();
    let failed = |source| ConnectError::Tls { host: host.to_owned(), source };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
    let stream = TlsConnector::from(Arc::clone(&peer.tls)).connect(name, tcp).await.map_err(failed)?;
    let session = stream.get_ref().1;
    if session.alpn_protocol() != Some(b"h2") {
        return Err(ConnectError::NotHttp2 { host: host.to_owned() });
    }
    let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
    Ok((Box::new(stream), resumed))
}

/// Waits for the peer's first SETTINGS, without which no request leaves: a peer that never speaks HTTP/2 has
/// nothing of ours. False where it hung up before.
async fn first_settings(
    connection: &mut h2::client::Connection<Transport, Bytes>,
    wire: &Wire,
) -> Result<bool, h2::Error> {
    poll_fn(|cx| {
        let ended = Pin::new(&mut *connection).poll(cx);
        if wire.settings_seen() {
            return Poll::Ready(Ok(true));
        }
        if ended.is_pending() {
            // The preface. A full socket is told by the next poll.
            let _ = wire.write_out(cx);
        }
        ended.map_ok(|()| false)
    })
    .await
}

/// From one address to the next. RFC 8305, section 5, has 250 ms for TCP alone and allows up to 2 s; this one
/// is for TLS and HTTP/2 too.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(500);

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
        .initial_max_send_streams(0)
        .max_header_list_size(settings.max_reply_header_bytes)
        .max_concurrent_reset_streams(4096)
        .reset_stream_duration(Duration::from_secs(60))
        .max_local_error_reset_streams(None)
        .data_frame_budget(4 * 1024 * 1024)
        .initial_connection_window_size(16 * 1024 * 1024);
    builder
}
