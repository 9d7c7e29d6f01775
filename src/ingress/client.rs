//! The other end of a connection, and what its calls show.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, header};

use crate::caller::{KnownByCertificate, Shown, Unknown};
use crate::listener::{Connection, Leaving};

/// What is known of a connection's other end.
#[derive(Debug)]
pub(crate) struct Client {
    connection: Arc<Connection>,
    by_certificate: KnownByCertificate,
}

impl Client {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        Self { connection: Arc::clone(connection), by_certificate: KnownByCertificate::default() }
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.connection.address()
    }

    /// What its calls learn of the end of the connection.
    pub(crate) fn leaving(&self) -> &Leaving {
        self.connection.leaving()
    }

    /// How long bytes take to it and back, as far as it is known. Behind a balancer that ends HTTP/2, it is the balancer.
    pub(crate) fn round_trip(&self) -> Duration {
        self.connection.round_trip()
    }

    /// What a call of this connection shows.
    pub(crate) fn shows<'a>(&'a self, headers: &'a HeaderMap) -> Result<Shown<'a>, Unknown> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let authorization = values.next().map(http::HeaderValue::as_bytes);
        if values.next().is_some() {
            return Err(Unknown::NotBearer);
        }
        let Self { connection, by_certificate } = self;
        let (certificates, address) = (connection.certificates(), connection.address());
        Ok(Shown { authorization, certificates, by_certificate, address })
    }
}
