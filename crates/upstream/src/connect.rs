//! How a connection begins: TCP, TLS and HTTP are begun.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustls::HandshakeKind;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::connect_error::ConnectError;
use crate::http1;
use crate::http2::engine::{AnswerLimits, Engine};
use crate::http2::{Link, OnStream};
use crate::lookups::Lookups;
use crate::network::Dial;
use crate::peer::{Http, Peer};
use crate::settings::UpstreamSettings;
use crate::transport::{CountedSocket, CountedStream, Io, SentBytes, SocketBytes};

/// Begins connections to any peer.
pub(crate) struct Connector {
    pub(crate) lookups: Lookups,
    pub(crate) dialer: Arc<dyn Dial>,
}

/// A connection on which the peer speaks HTTP.
pub(crate) struct Connected {
    pub(crate) protocol: Protocol,
    pub(crate) address: SocketAddr,
    /// Whether TLS resumed an earlier session.
    pub(crate) resumed: bool,
}

/// The protocol of a connection, and what its task needs.
pub(crate) enum Protocol {
    /// HTTP/2. The peer's first SETTINGS are there.
    Http2(Box<Link<OnStream>>),
    /// HTTP/1.1.
    Http1 { http: Box<http1::Http1Connection>, sent: SentBytes },
}

impl Protocol {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Http2(_) => "h2",
            Self::Http1 { .. } => "http/1.1",
        }
    }
}

impl Connector {
    /// Connects to any of these addresses of the peer, in this time.
    ///
    /// # Errors
    /// It fails with the error of the last address that failed, or because the time ran out.
    pub(crate) async fn connect(
        &self,
        peer: &Peer,
        settings: &UpstreamSettings,
        addresses: Vec<SocketAddr>,
        time: Duration,
    ) -> Result<Connected, ConnectError> {
        match tokio::time::timeout(time, self.race(peer, settings, addresses)).await {
            Ok(ended) => ended,
            Err(_) => Err(ConnectError::timeout(&peer.origin, settings.connect_timeout)),
        }
    }

    /// Tries the addresses one after the other. When one fails, or does not speak HTTP within [`NEXT_ADDRESS_AFTER`],
    /// the next is tried beside it, and the first that speaks wins. So an address that is sick, at whichever step,
    /// costs a moment only.
    async fn race(
        &self,
        peer: &Peer,
        settings: &UpstreamSettings,
        addresses: Vec<SocketAddr>,
    ) -> Result<Connected, ConnectError> {
        let mut waiting = addresses.into_iter();
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

    /// Connects to one address: TCP, the proxy's tunnel where there is one, TLS, and HTTP.
    async fn begin(
        &self,
        peer: &Peer,
        settings: &UpstreamSettings,
        address: SocketAddr,
    ) -> Result<Connected, ConnectError> {
        let dialled = self.dialer.dial(address).await;
        let tcp = dialled.map_err(|source| ConnectError::Tcp { address, source })?;
        let (tcp, below_tls) = CountedSocket::new(tcp);
        let mut io: Box<dyn Io> = Box::new(tcp);
        if let Some(proxy) = &peer.proxy {
            io = proxy.tunnel(io, &peer.origin).await?;
        }
        let (mut http2, mut resumed) = (peer.http == Http::Two, false);
        if peer.origin.tls() {
            (io, http2, resumed) = tls(peer, io).await?;
        }
        let protocol = if http2 {
            begin_http2(peer, settings, io, below_tls).await?
        } else {
            begin_http1(peer, settings, io, below_tls).await?
        };
        Ok(Connected { protocol, address, resumed })
    }
}

/// Begins TLS. Returns also whether the peer chose HTTP/2, and whether an earlier session was resumed.
async fn tls(peer: &Peer, io: Box<dyn Io>) -> Result<(Box<dyn Io>, bool, bool), ConnectError> {
    let host = peer.origin.host();
    let failed = |source| ConnectError::Tls { host: host.to_owned(), source };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
    let stream = TlsConnector::from(Arc::clone(peer.tls.config())).connect(name, io).await.map_err(failed)?;
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
    below_tls: SocketBytes,
) -> Result<Protocol, ConnectError> {
    let host = || peer.origin.host().to_owned();
    let limits =
        AnswerLimits { body: settings.max_reply_bytes, header_list: settings.max_reply_header_bytes };
    let scheme = if peer.origin.tls() { "https" } else { "http" };
    let engine = Engine::new(scheme, peer.origin.authority().to_string(), limits);
    let mut link = Box::new(Link::new(engine, io, below_tls));
    match link.first_settings().await {
        Ok(true) => Ok(Protocol::Http2(link)),
        Ok(false) => Err(ConnectError::NoSettings { host: host() }),
        Err(source) => Err(ConnectError::Handshake { host: host(), source }),
    }
}

async fn begin_http1(
    peer: &Peer,
    settings: &UpstreamSettings,
    io: Box<dyn Io>,
    below_tls: SocketBytes,
) -> Result<Protocol, ConnectError> {
    let (io, sent) = CountedStream::new(io, below_tls);
    let begun = http1::handshake(io, settings.max_reply_header_bytes).await;
    let http = begun.map_err(|source| ConnectError::Http1 { host: peer.origin.host().to_owned(), source })?;
    Ok(Protocol::Http1 { http: Box::new(http), sent })
}

/// How long an address is waited for before the next is tried beside it. RFC 8305, section 5, recommends 250 ms for TCP
/// alone and allows up to 2 s; this time is for TLS and HTTP/2 too.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(500);
