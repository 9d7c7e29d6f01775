//! A socket becomes a connection: its PROXY header is read and its TLS is agreed on.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use fanfare_upstream::transport::{Io, keep_alive};
use ipnet::IpNet;
use proxy_header::io::ProxiedStream;
use proxy_header::{ParseConfig, ProxyHeader};
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;

use super::addresses::{Addresses, Entered};
use super::protocol::{Agreed, Protocol};
use super::tls::ServerTls;
use crate::metrics::ConnectionRefusal;

/// What a PROXY header may have. Of version 2 the address is read alone.
const HEADER: ParseConfig = ParseConfig { include_tlvs: false, allow_v1: true, allow_v2: true };

/// What stands between a socket and its HTTP.
pub(super) struct Entrance {
    pub(super) trusted_proxies: Vec<IpNet>,
    pub(super) addresses: Arc<Addresses>,
    pub(super) tls: Option<ServerTls>,
}

/// A connection that may begin its HTTP.
pub(super) struct Opened {
    pub(super) stream: Box<dyn Io>,
    pub(super) address: SocketAddr,
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) agreed: Agreed,
    /// Counts the connection for its address.
    pub(super) entered: Entered,
}

/// Why a connection is refused.
pub(super) struct Refused {
    pub(super) reason: ConnectionRefusal,
    /// What the log is told. A peer that only connects, as health checks of a load balancer do, is told by none.
    pub(super) error: Option<io::Error>,
}

impl Entrance {
    /// Opens a connection that was accepted from this address.
    pub(super) async fn open(
        &self,
        socket: TcpStream,
        from: SocketAddr,
        protocol: &Protocol,
    ) -> Result<Opened, Refused> {
        // Answers are gathered before they are written; waiting for more would only delay. The kernel finds callers who
        // vanished without a word. Where this fails, so does what comes next.
        let _ = (socket.set_nodelay(true), keep_alive(&socket));
        if !self.trusts(from) {
            return self.enter(socket, from, protocol).await;
        }
        let proxied = ProxiedStream::create_from_tokio(socket, HEADER).await;
        let proxied = proxied.map_err(|error| Refused::by(ConnectionRefusal::ProxyHeader, error))?;
        let address = address(proxied.proxy_header()).unwrap_or(from);
        self.enter(proxied, address, protocol).await
    }

    async fn enter<S: Io>(
        &self,
        stream: S,
        from: SocketAddr,
        protocol: &Protocol,
    ) -> Result<Opened, Refused> {
        // Rules and the log know an IPv4 address as one, also where a socket for both kinds wraps it in an IPv6 address.
        let address = SocketAddr::new(from.ip().to_canonical(), from.port());
        let entered = self.addresses.enter(address.ip());
        let entered = entered.ok_or(Refused { reason: ConnectionRefusal::PerAddress, error: None })?;
        let Some(tls) = &self.tls else {
            let (stream, agreed) = (Box::new(stream), protocol.agreed(None));
            return Ok(Opened { stream, address, certificates: Vec::new(), agreed, entered });
        };
        let stream = tls.acceptor(protocol).accept(stream).await;
        let stream = stream.map_err(|error| Refused::by(ConnectionRefusal::Tls, error))?;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificates = certificates.iter().map(|it| it.clone().into_owned()).collect();
        let agreed = protocol.agreed(stream.get_ref().1.alpn_protocol());
        Ok(Opened { stream: Box::new(stream), address, certificates, agreed, entered })
    }

    fn trusts(&self, from: SocketAddr) -> bool {
        let address = from.ip().to_canonical();
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }
}

/// Reads where a connection comes from. A proxy that connects for itself names nothing.
fn address(header: &ProxyHeader<'_>) -> Option<SocketAddr> {
    header.proxied_address().map(|address| address.source)
}

impl Refused {
    fn by(reason: ConnectionRefusal, error: io::Error) -> Self {
        let only_connected = error.kind() == io::ErrorKind::UnexpectedEof && reason == ConnectionRefusal::Tls;
        Self { reason, error: (!only_connected).then_some(error) }
    }
}
