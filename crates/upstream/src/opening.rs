//! How a connection comes to be: the connect, and the task that drives what came of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;
use tracing::Instrument;

use crate::budget::Place;
use crate::cause::OpenCause;
use crate::common::Common;
use crate::connect::{Connected, Protocol};
use crate::connect_error::ConnectError;
use crate::connection::{Connection, Hub, Slot};
use crate::http1::{self, Http1};
use crate::http2::{self, Http2};
use crate::observe::Report;
use crate::peer::Peer;
use crate::reach::Reach;
use crate::settings::UpstreamSettings;

/// How requests get onto a connection.
#[derive(Clone)]
pub(crate) enum Sender {
    /// Over HTTP/2.
    Http2(Http2),
    /// Over HTTP/1.1.
    Http1(Http1),
}

/// What a grant of the pool carries.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) sender: Sender,
    pub(crate) connection: Arc<Connection>,
}

/// What a permit stands for: a place on a connection, and the way onto it.
pub(crate) struct Granted {
    pub(crate) sender: Sender,
    pub(crate) slot: Slot,
    /// When it was granted.
    pub(crate) at: Instant,
}

impl Granted {
    /// The place that a grant with this handle stands for.
    pub(crate) fn new(handle: Handle, at: Instant) -> Self {
        let Handle { sender, connection } = handle;
        Self { sender, slot: Slot::new(connection), at }
    }
}

/// A connection that nothing drives yet.
pub(crate) struct Opened {
    pub(crate) handle: Handle,
    /// The streams that the peer allows.
    pub(crate) streams: usize,
    /// Runs until the connection ends.
    pub(crate) driver: Driver,
}

/// How a connect ended.
pub(crate) enum ConnectEnd {
    /// There is a connection.
    Opened(Box<Opened>),
    /// There is none.
    Failed(ConnectError),
    /// It ended before it had a result: it panicked, its runtime ended, or no place for a connection is given any more.
    Abandoned,
}

/// A connect under way. However it ends, by itself, by a panic or with its runtime, its pool is told once.
pub(crate) struct Connect<F: FnOnce(ConnectEnd)> {
    ended: Option<F>,
}

impl<F: FnOnce(ConnectEnd)> Connect<F> {
    pub(crate) fn new(ended: F) -> Self {
        Self { ended: Some(ended) }
    }

    /// Takes a place among all connections, then resolves, dials and greets the peer.
    pub(crate) async fn run(mut self, hub: Arc<dyn Hub>, common: Arc<Common>, peer: Peer, why: OpenCause) {
        let Common { settings, connector, budget, .. } = &*common;
        let place = match budget.try_take() {
            Some(place) => Some(place),
            None => {
                hub.report(Report::ConnectFailed("max_connections"));
                let most = settings.max_connections;
                tracing::warn!(origin = ?peer, most, "as many connections as upstream.max_connections allows");
                budget.take().await
            }
        };
        let Some(place) = place else { return };
        let end = match connector.connect(&peer, settings).await {
            Ok(connected) => ConnectEnd::Opened(Box::new(drive(hub, &peer, settings, connected, place, why))),
            Err(error) => ConnectEnd::Failed(error),
        };
        self.end(end);
    }

    fn end(&mut self, end: ConnectEnd) {
        if let Some(ended) = self.ended.take() {
            ended(end);
        }
    }
}

impl<F: FnOnce(ConnectEnd)> Drop for Connect<F> {
    fn drop(&mut self) {
        self.end(ConnectEnd::Abandoned);
    }
}

/// Tells the operator why no connection could be made.
pub(crate) fn log_failed(peer: &Peer, error: &ConnectError) {
    let cause = error.cause();
    // A host that end users choose is no peer of the log: its lines are counted by what went wrong.
    match peer.reach {
        Reach::Anywhere => tracing::warn!(?peer, cause, %error, "cannot connect to upstream"),
        Reach::Public => {
            tracing::warn!(origin = ?peer, cause, %error, "cannot connect to a subscription's push service");
        }
    }
}

fn drive(
    hub: Arc<dyn Hub>,
    peer: &Peer,
    settings: &UpstreamSettings,
    connected: Connected,
    place: Place,
    why: OpenCause,
) -> Opened {
    /// Numbers connections in logs; unique in the process.
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let Connected { protocol, address, resumed } = connected;
    let connection = Connection::new(NEXT.fetch_add(1, Ordering::Relaxed), hub);
    tracing::debug!(
        connection = connection.id(), ?peer, %address, resumed, cause = why.name(), protocol = protocol.name(),
        "connection opened"
    );
    let patience = settings.patience();
    let span = tracing::debug_span!("connection", id = connection.id(), ?peer);
    let (sender, streams, task) = match protocol {
        Protocol::Http2 { wire, sender, connection: io } => {
            let streams = http2::Streams::new(Arc::clone(&connection), wire);
            let limit = io.max_concurrent_send_streams();
            let way = Http2::new(Arc::clone(&streams));
            let driver = http2::Driver::new(streams, sender, *io, patience, place);
            (Sender::Http2(way), limit, Task::Http2(Box::new(driver)))
        }
        Protocol::Http1 { http, sent } => {
            let (driver, way) = http1::Driver::new(Arc::clone(&connection), *http, sent, patience, place);
            (Sender::Http1(way), 1, Task::Http1(Box::new(driver)))
        }
    };
    Opened { handle: Handle { sender, connection }, streams, driver: Driver { task, span } }
}

/// The task of a connection.
pub(crate) struct Driver {
    task: Task,
    span: tracing::Span,
}

enum Task {
    Http2(Box<http2::Driver>),
    Http1(Box<http1::Driver>),
}

impl Driver {
    /// Runs until the connection ends.
    pub(crate) async fn run(self) {
        match self.task {
            Task::Http2(driver) => driver.instrument(self.span).await,
            Task::Http1(driver) => driver.run().instrument(self.span).await,
        }
    }
}
