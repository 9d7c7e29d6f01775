//! The other end of a connection, and what its calls show.

use std::net::SocketAddr;

use http::{HeaderMap, header};
use rustls::pki_types::CertificateDer;

use crate::caller::{KnownByCertificate, Shown, Unknown};

/// What is known of a connection's other end.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// The certificates that it showed, which the handshake has verified; its own is first.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    by_certificate: KnownByCertificate,
}

impl Peer {
    pub(crate) fn new(address: SocketAddr, certificates: Vec<CertificateDer<'static>>) -> Self {
        Self { address, certificates, by_certificate: KnownByCertificate::default() }
    }

    /// What a call of this connection shows.
    pub(crate) fn shows<'a>(&'a self, headers: &'a HeaderMap) -> Result<Shown<'a>, Unknown> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let authorization = values.next().map(http::HeaderValue::as_bytes);
        if values.next().is_some() {
            return Err(Unknown::NotBearer);
        }
        let Self { address, certificates, by_certificate } = self;
        Ok(Shown { authorization, certificates, by_certificate, address: *address })
    }
}
