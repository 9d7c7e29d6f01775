//! The other end of a connection, and what its calls show.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, header};

use crate::caller::{KnownByConnection, Shown, Unknown};
use crate::listener::{Connection, Leaving};

/// What is known of a connection's other end.
#[derive(Debug)]
pub(crate) struct Client {
    connection: Arc<Connection>,
    by_certificate: KnownByConnection,
    /// For whom calls stand that show nothing.
    standing: KnownByConnection,
}

impl Client {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        let (by_certificate, standing) = Default::default();
        Self { connection: Arc::clone(connection), by_certificate, standing }
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
        Ok(Shown { authorization, ..self.shows_secret(None) })
    }

    /// What a call of this connection shows that has its key or token in another place than its `authorization: Bearer`.
    pub(crate) fn shows_secret<'a>(&'a self, secret: Option<&'a str>) -> Shown<'a> {
        let Self { connection, by_certificate, .. } = self;
        let (certificates, address) = (connection.certificates(), connection.address());
        Shown { authorization: None, secret, certificates, by_certificate, address }
    }

    /// For whom its calls stand that show nothing.
    pub(crate) fn standing(&self) -> &KnownByConnection {
        &self.standing
    }
}
