//! How a connection is opened: the connect, and the task that drives the new connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;
use tracing::Instrument;

use crate::addresses::addresses;
use crate::breaker::Probe;
use crate::budget::ConnectionPlace;
use crate::cause::{EndCause, OpenCause};
use crate::common::Common;
use crate::connect::{Connected, Protocol};
use crate::connect_error::ConnectError;
use crate::connection::{Connection, HeldProbe, Hub, Slot};
use crate::http1::{self, Http1Sender};
use crate::http2::{self, Http2Sender};
use crate::kind::Rank;
use crate::peer::Peer;
use crate::places::PlaceToConnect;
use crate::reach::Reach;
use crate::sleep::SleepWatch;

/// The right to hand requests to a connection, whichever protocol it speaks.
#[derive(Clone)]
pub(crate) enum RequestSender {
    Http2(Http2Sender),
    Http1(Http1Sender),
}

/// What a grant of the pool carries, so that the connection is not looked up.
#[derive(Clone)]
pub(crate) struct ConnectionHandle {
    pub(crate) sender: RequestSender,
    pub(crate) connection: Arc<Connection>,
}

impl ConnectionHandle {
    /// Finds out whether the connection lives. Over HTTP/1.1 nothing can be asked, so another connection takes its place.
    pub(crate) fn probe(self) {
        tracing::debug!(connection = self.connection.id(), "connection may be forgotten by the network");
        match self.sender {
            RequestSender::Http2(_) => self.connection.probe(),
            RequestSender::Http1(_) => self.connection.retire(EndCause::Idle),
        }
    }
}

/// What a permit stands for: a place on a connection, and the right to hand it a request.
pub(crate) struct Granted {
    pub(crate) sender: RequestSender,
    pub(crate) slot: Slot,
    /// When the place was granted.
    pub(crate) at: Instant,
    /// The request is the probe of a peer that failed.
    pub(crate) probe: Option<HeldProbe>,
}

impl Granted {
    /// The place that a grant with this handle stands for.
    pub(crate) fn new(handle: ConnectionHandle, at: Instant, probe: Option<Probe>) -> Self {
        let ConnectionHandle { sender, connection } = handle;
        let probe = probe.map(|probe| HeldProbe::new(&connection, probe));
        Self { sender, slot: Slot::new(connection), at, probe }
    }
}

/// A new connection, whose task has not been spawned yet.
pub(crate) struct OpenedConnection {
    pub(crate) handle: ConnectionHandle,
    /// How many streams the peer allows.
    pub(crate) streams: usize,
    pub(crate) task: ConnectionTask,
}

/// How a connect ended.
pub(crate) enum ConnectEnd {
    /// There is a connection.
    Opened(Box<OpenedConnection>),
    /// No connection could be made.
    Failed(ConnectError),
    /// The connect ended without a result: it panicked, its runtime ended, or the pools shut down.
    Abandoned,
}

/// A connect under way. Its pool is told once how it ended, whether that was by itself, by a panic, or with its
/// runtime.
pub(crate) struct Connect<F: FnOnce(ConnectEnd)> {
    ended: Option<F>,
}

impl<F: FnOnce(ConnectEnd)> Connect<F> {
    pub(crate) fn new(ended: F) -> Self {
        Self { ended: Some(ended) }
    }

    /// Connects to the peer, unless the pools shut down first.
    pub(crate) async fn run(
        mut self,
        hub: Arc<dyn Hub>,
        common: Arc<Common>,
        peer: Peer,
        rank: Rank,
        why: OpenCause,
    ) {
        match common.stop.run_until_cancelled(connect(hub, &common, &peer, rank, why)).await {
            Some(Ok(opened)) => self.end(ConnectEnd::Opened(Box::new(opened))),
            Some(Err(error)) => self.end(ConnectEnd::Failed(error)),
            None => {}
        }
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

/// Looks the peer's name up, takes a place among the connections, and connects to the peer. A place is waited for only when
/// there is an address to connect to, so that a name without any holds none, and the wait is no part of the connect's time.
async fn connect(
    hub: Arc<dyn Hub>,
    common: &Common,
    peer: &Peer,
    rank: Rank,
    why: OpenCause,
) -> Result<OpenedConnection, ConnectError> {
    let Common { settings, connector, places, .. } = common;
    let until = Instant::now() + settings.connect_timeout;
    let addresses = addresses(&connector.lookups, peer, rank, settings, until).await?;
    let left = until.saturating_duration_since(Instant::now());
    let PlaceToConnect { place, connect } = places.take(&*hub, peer, rank, why, settings).await?;
    let connected = connector.connect(peer, settings, addresses, left).await?;
    drop(connect);
    Ok(prepare(hub, peer, common, connected, place, why))
}

/// Tells the operator why no connection could be made.
pub(crate) fn log_failed(common: &Common, peer: &Peer, rank: Rank, error: &ConnectError) {
    let cause = error.cause();
    // The fields decide how a log counts lines that are alike. Outsiders choose hosts without end, so theirs are
    // not counted by `peer`.
    match peer.reach {
        _ if rank.is_stranger() => common.unreached.note(peer, error, &common.tasks, &common.stop),
        Reach::Anywhere => tracing::warn!(?peer, cause, %error, "cannot connect to upstream"),
        Reach::Public => {
            tracing::warn!(origin = ?peer, cause, %error, "cannot connect to a subscription's push service");
        }
    }
}

/// Makes the task of a connection, and what its pool knows of it.
fn prepare(
    hub: Arc<dyn Hub>,
    peer: &Peer,
    common: &Common,
    connected: Connected,
    place: ConnectionPlace,
    why: OpenCause,
) -> OpenedConnection {
    /// The number of the next connection. It is unique in the process, and stands in logs.
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let Connected { protocol, address, resumed } = connected;
    let connection = Connection::new(NEXT.fetch_add(1, Ordering::Relaxed), hub);
    tracing::debug!(
        connection = connection.id(), ?peer, %address, resumed, cause = why.name(), protocol = protocol.name(),
        "connection opened"
    );
    let patience = common.settings.patience();
    let span = tracing::debug_span!("connection", id = connection.id(), ?peer);
    let (sender, streams, driver) = match protocol {
        Protocol::Http2(link) => {
            let inbox = http2::Inbox::new(Arc::clone(&connection));
            let limit = link.max_streams();
            let requests = Http2Sender::new(Arc::clone(&inbox));
            let sleep_watch = SleepWatch::new(&common.wall_clock);
            let session = http2::Session::new(inbox, *link, patience, sleep_watch, place);
            (RequestSender::Http2(requests), limit, ProtocolDriver::Http2(Box::new(session)))
        }
        Protocol::Http1 { http, sent } => {
            let (driver, requests) =
                http1::Driver::new(Arc::clone(&connection), *http, sent, patience, place);
            (RequestSender::Http1(requests), 1, ProtocolDriver::Http1(Box::new(driver)))
        }
    };
    OpenedConnection {
        handle: ConnectionHandle { sender, connection },
        streams,
        task: ConnectionTask { driver, span },
    }
}

/// The task of a connection, to be spawned.
pub(crate) struct ConnectionTask {
    driver: ProtocolDriver,
    span: tracing::Span,
}

/// The driver of a connection, for the protocol that it speaks.
enum ProtocolDriver {
    Http2(Box<http2::Session>),
    Http1(Box<http1::Driver>),
}

impl ConnectionTask {
    /// Runs until the connection ends.
    pub(crate) async fn run(self) {
        match self.driver {
            ProtocolDriver::Http2(session) => session.instrument(self.span).await,
            ProtocolDriver::Http1(driver) => driver.run().instrument(self.span).await,
        }
    }
}
