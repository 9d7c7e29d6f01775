//! What the calls of one connection share.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tonic::Extensions;
use tower_service::Service;

use super::gate::ConnectionBytes;
use crate::caller::{Caller, OpenCalls};
use crate::held_bytes::{BytesBudget, BytesShare};
use crate::ingress::client::Client;
use crate::listener::Connection;

/// What the handlers know of a call's connection. It is in the extensions of each request.
#[derive(Debug, Clone)]
pub struct ConnectInfo {
    pub(super) client: Arc<Client>,
    pub(super) batches: OpenCalls,
    pub(super) watches: OpenCalls,
    /// The calls of whoever shows nothing that the gateway knows.
    pub(super) of_strangers: OpenCalls,
    pub(super) bytes: ConnectionBytes,
}

/// The caller's share of the budget of bytes: one for all calls of a caller that the configuration has, else that of the
/// connection. A call that came over no connection may hold nothing.
pub(super) fn share(extensions: &Extensions) -> BytesShare {
    let of_caller = extensions.get::<Caller>().and_then(Caller::bytes);
    let of_connection = || extensions.get::<ConnectInfo>().map(|connection| connection.bytes.share.clone());
    of_caller.cloned().or_else(of_connection).unwrap_or_default()
}

impl ConnectInfo {
    /// Makes what the calls of this connection share, by the limits of its listener.
    pub(crate) fn new(
        connection: &Arc<Connection>,
        budget: &Arc<BytesBudget>,
        max_bytes: usize,
        max_waiting: usize,
    ) -> Self {
        let bytes = ConnectionBytes::new(budget, max_bytes, max_waiting);
        let (batches, watches, of_strangers) = Default::default();
        Self { client: Arc::new(Client::new(connection)), batches, watches, of_strangers, bytes }
    }
}

/// A service whose requests know their connection.
#[derive(Debug, Clone)]
pub(crate) struct OfConnection<S> {
    service: S,
    connection: ConnectInfo,
}

impl<S> OfConnection<S> {
    /// Hands the requests of a connection to this service.
    pub(crate) fn new(service: S, connection: ConnectInfo) -> Self {
        Self { service, connection }
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for OfConnection<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(self.connection.clone());
        self.service.call(request)
    }
}
