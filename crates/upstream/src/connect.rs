//! A connection's beginning: resolve, TCP, TLS with ALPN, HTTP.

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

use super::addresses::addresses;
use super::connect_error::ConnectError;
use super::peer::{Http, Peer};
use super::{UpstreamSettings, http1};
use crate::transport::{Counted, Io, SentBytes, Taken, Transport, Watched, Wire};

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

/// A connection on which the peer speaks HTTP.
pub(super) struct Connected {
    pub(super) protocol: Protocol,
    pub(super) address: SocketAddr,
    /// TLS went on with an earlier session.
    pub(super) resumed: bool,
}

/// What it speaks.
pub(super) enum Protocol {
    /// And has spoken: its first SETTINGS are there.
    Http2 {
        wire: Arc<Wire>,
        sender: SendRequest<Bytes>,
        connection: Box<h2::client::Connection<Transport, Bytes>>,
    },
    Http1 {
        http: Box<http1::Http>,
        sent: SentBytes,
    },
}

impl Protocol {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Http2 { .. } => "h2",
            Self::Http1 { .. } => "http/1.1",
        }
    }
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

    /// Begun at a random address, so that connections spread over them. One that fails, or does not speak HTTP
    /// within a moment, is joined by the next, and the first that speaks wins: a sick address, at whichever step
    /// it is sick, costs a moment.
    async fn race(&self, peer: &Peer, settings: &UpstreamSettings) -> Result<Connected, ConnectError> {
        let mut waiting = addresses(&*self.resolver, peer).await?.into_iter();
        let mut failed = ConnectError::NoAddress { host: peer.first_hop().host().to_owned() };
        let mut attempts = FuturesUnordered::new();
        loop {
            let next = waiting.next();
            if let Some(address) = next {
                attempts.push(Box::pin(self.begin(peer, settings, address)));
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

    /// TCP, the proxy's tunnel where there is one, TLS, HTTP, to one address.
    async fn begin(
        &self,
        peer: &Peer,
        settings: &UpstreamSettings,
        address: SocketAddr,
    ) -> Result<Connected, ConnectError> {
        let dialled = self.dialer.dial(address).await;
        let tcp = dialled.map_err(|source| ConnectError::Tcp { address, source })?;
        let (tcp, taken) = Counted::new(tcp);
        let mut io: Box<dyn Io> = Box::new(tcp);
        if let Some(proxy) = &peer.proxy {
            io = proxy.tunnel(io, &peer.origin).await?;
        }
        let (mut http2, mut resumed) = (peer.http == Http::Two, false);
        if peer.origin.tls() {
            (io, http2, resumed) = tls(peer, io).await?;
        }
        let protocol = if http2 {
            begin_http2(peer, settings, io, taken).await?
        } else {
            begin_http1(peer, settings, io, taken).await?
        };
        Ok(Connected { protocol, address, resumed })
    }
}

/// TLS; whether the peer chose HTTP/2, and whether the session is an earlier one.
async fn tls(peer: &Peer, io: Box<dyn Io>) -> Result<(Box<dyn Io>, bool, bool), ConnectError> {
    let host = peer.origin.host();
    let failed = |source| ConnectError::Tls { host: host.to_owned(), source };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
    let stream = TlsConnector::from(Arc::clone(&peer.tls)).connect(name, io).await.map_err(failed)?;
    let session = stream.get_ref().1;
    let http2 = session.alpn_protocol() == Some(b"h2");
    if peer.http == Http::Two && !http2 {
        return Err(ConnectError::NotHttp2 { host: host.to_owned() });
    }
    let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
    Ok((Box::new(stream), http2, resumed))
}

async fn begin_http2(
    peer: &Peer,
    settings: &UpstreamSettings,
    io: Box<dyn Io>,
    taken: Taken,
) -> Result<Protocol, ConnectError> {
    let host = || peer.origin.host().to_owned();
    let failed = |source| ConnectError::Handshake { host: host(), source };
    let (transport, wire) = Transport::new(io, taken);
    let (sender, mut connection) = http2(settings).handshake(transport).await.map_err(failed)?;
    match first_settings(&mut connection, &wire).await {
        Ok(true) => Ok(Protocol::Http2 { wire, sender, connection: Box::new(connection) }),
        Ok(false) => Err(ConnectError::NoSettings { host: host() }),
        Err(source) => Err(failed(source)),
    }
}

async fn begin_http1(
    peer: &Peer,
    settings: &UpstreamSettings,
    io: Box<dyn Io>,
    taken: Taken,
) -> Result<Protocol, ConnectError> {
    let (io, sent) = Watched::new(io, taken);
    let begun = http1::handshake(io, settings.max_reply_header_bytes).await;
    let http = begun.map_err(|source| ConnectError::Http1 { host: peer.origin.host().to_owned(), source })?;
    Ok(Protocol::Http1 { http: Box::new(http), sent })
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
