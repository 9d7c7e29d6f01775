//! What the core is told, and what it says is to be done.

use std::time::{Duration, Instant};

use super::phase::Phase;
use crate::breaker::{BreakerChange, Probe};
use crate::cause::{EndCause, OpenCause};
use crate::failure::{PeerFailure, Symptom};
use crate::flow::Flow;

/// The number of a connection. It is unique in the process, and begins at 1.
pub(crate) type ConnectionId = u64;

/// Whether a request asks for the first time, or again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seniority {
    /// The request asks for the first time.
    New,
    /// A connection gave the request back. It has waited already, and goes first.
    Returned,
}

/// A request for a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamAsk {
    /// Who asks.
    pub(crate) flow: Flow,
    /// After this moment the request wants no stream.
    pub(crate) until: Instant,
    /// Whether it asks for the first time.
    pub(crate) seniority: Seniority,
}

/// The right to one stream of a connection. It is given back once, as [`ConnectionEvent::Returned`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant<H> {
    /// The connection whose stream it is.
    pub(crate) connection: ConnectionId,
    /// The handle that the core was given for it.
    pub(crate) handle: H,
    /// It is the probe of a peer that failed. It ends as [`ConnectionEvent::ProbeOver`].
    pub(crate) probe: Option<Probe>,
}

/// Something happened to the pool.
#[derive(Debug)]
pub(crate) enum Event<H, E> {
    /// Something happened on a connection. If that has closed in the meantime, nothing comes of it.
    Connection(ConnectionId, ConnectionEvent),
    /// A connect that [`Effect::Open`] asked for has a connection.
    Opened {
        /// The number of the connection, which no other had.
        connection: ConnectionId,
        /// What its grants carry.
        handle: H,
        /// How many streams the peer allows on it.
        streams: usize,
        /// The connection takes one request at a time.
        one_at_a_time: bool,
    },
    /// A connect that [`Effect::Open`] asked for failed.
    ConnectFailed {
        /// What went wrong.
        error: E,
        /// No connection to this peer may be made, however often it is tried.
        forbidden: bool,
        /// There was no room for the connect, which says nothing about the peer.
        crowded: bool,
    },
    /// A connect that [`Effect::Open`] asked for ended without a result.
    ConnectAbandoned,
    /// The time that [`Effect::WakeAt`] named has come.
    Woken,
    /// The machine slept. The network may have forgotten every connection in the meantime.
    Slept,
    /// Requests of batches wait no more.
    DrainBatches,
    /// Requests that depend on this wait no more.
    TurnAway(u64),
    /// Nothing more is granted. Connections close when their streams are done.
    ShutDown(EndCause),
}

/// Something happened on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionEvent {
    /// A grant came back.
    Returned,
    /// The first good answer came.
    Proven,
    /// So many answers came that say that the peer is well. It is told of the first of each connection, and of all while
    /// [`counts_answers`](super::Core::counts_answers).
    Answered(u32),
    /// The peer failed on this connection. It asks to be left alone for so long.
    Failed(Symptom, Option<Duration>),
    /// A probe is over. Its outcome, if it had one, was told before.
    ProbeOver(Probe),
    /// The peer allows this many streams from now on.
    Limit(usize),
    /// Nothing was read for long, and no answer is owed. The network may have forgotten the connection.
    Quiet,
    /// Something was read on a connection that was quiet.
    Alive,
    /// The connection is old, and another is to take its place.
    Aged,
    /// The peer said GOAWAY with this error code. `owes` says whether it took requests that it is to answer yet.
    GoesAway { code: u32, owes: bool },
    /// The connection takes no new streams.
    Drains(EndCause),
    /// The connection is gone.
    Closed(EndCause),
}

/// Something that is to be done, after the lock was released.
#[derive(Debug)]
pub(crate) enum Effect<H, W, E> {
    /// A waiter is granted a stream.
    Grant {
        /// How the waiter is told.
        waiter: W,
        /// What it is granted.
        grant: Grant<H>,
    },
    /// A waiter gets no stream.
    Refuse {
        /// How the waiter is told.
        waiter: W,
        /// Why it gets none.
        why: Refusal<E>,
    },
    /// A connect is to begin. It ends as [`Event::Opened`], [`Event::ConnectFailed`] or [`Event::ConnectAbandoned`].
    Open(OpenCause),
    /// A connection is to be asked whether it lives. It says so by
    /// [`ConnectionEvent::Alive`], or ends.
    Probe(H),
    /// A connection takes no new streams. Its task ends when the last clone of its handle is gone.
    Retire {
        /// The connection that this is about.
        connection: ConnectionId,
        /// Why it drains.
        why: EndCause,
        /// The core's own clone of the handle, to be dropped.
        handle: H,
    },
    /// The core wants to be [`Event::Woken`] at this moment, or earlier.
    WakeAt(Instant),
    /// A connection enters another phase.
    Moved {
        /// The phase that it leaves, or `None` if it is new.
        from: Option<Phase>,
        /// The phase that it enters, or `None` if it is gone.
        to: Option<Phase>,
    },
    /// The number of streams that the peer allows changed by this.
    Allowed(i64),
    /// The breaker of the peer changed.
    Breaker(BreakerChange, Option<PeerFailure<E>>),
    /// The breaker of the peer is forgotten with its pool, and was open.
    BreakerForgotten,
    /// A connection has closed.
    Closed {
        /// The connection that this is about.
        connection: ConnectionId,
        /// What began its end.
        why: EndCause,
        /// The core's own clone of the handle, to be dropped. It is `None` if the connection had drained.
        handle: Option<H>,
    },
}

/// What is to be done, in this order, by the thread that was told.
pub(crate) type Effects<H, W, E> = Vec<Effect<H, W, E>>;

/// Why a request gets no stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal<E> {
    /// The deadline of the request has passed, so it wants no stream any more.
    Deadline,
    /// `connect_patience` connects failed while the request waited; this is the last error.
    Unreachable(E),
    /// No connection to this peer may be made, for this reason.
    Forbidden(E),
    /// The peer fails, and is left alone.
    BreakerOpen {
        /// What is wrong with it.
        why: PeerFailure<E>,
        /// When it may be worth to ask again.
        retry_after: Duration,
    },
    /// The line is full: this many wait.
    TooManyWaiters(usize),
    /// So many wait that this one would wait about so long, which is far beyond its deadline.
    TooLong(Duration),
    /// What it depends on is of no use now.
    TurnedAway,
    /// The pool is shutting down.
    ShuttingDown,
}
