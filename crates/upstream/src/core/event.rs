//! What the core is told, and what it answers.

use std::time::Instant;

use super::phase::Phase;
use crate::cause::{EndCause, OpenCause};
use crate::flow::Flow;

/// A connection's number in its process, from 1.
pub(crate) type ConnectionId = u64;

/// Whether a request asks for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It does.
    New,
    /// A connection gave it back. It has waited already, and goes first.
    Returned,
}

/// A request for a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    /// Who asks.
    pub(crate) flow: Flow,
    /// It has no use for a stream from then on.
    pub(crate) until: Instant,
    /// Whether it asks for the first time.
    pub(crate) arrival: Arrival,
}

/// The right to one stream of a connection. It is given back as [`ConnectionEvent::Returned`], once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant<H> {
    /// The connection.
    pub(crate) connection: ConnectionId,
    /// The handle that the core was given for it.
    pub(crate) handle: H,
}

/// Something happened to the pool.
#[derive(Debug)]
pub(crate) enum Event<H, E> {
    /// Something happened on a connection. It may have closed in the meantime; then nothing comes of it.
    Connection(ConnectionId, ConnectionEvent),
    /// A connect that [`Effect::Open`] asked for has a connection.
    Opened {
        /// Its number, which no other connection had.
        connection: ConnectionId,
        /// What its grants carry.
        handle: H,
        /// The streams that the peer allows on it.
        streams: usize,
        /// It takes one request at a time.
        one_at_a_time: bool,
    },
    /// A connect that [`Effect::Open`] asked for failed.
    ConnectFailed {
        /// Why.
        error: E,
        /// No connection to this peer may be made, however often it is tried.
        forbidden: bool,
    },
    /// A connect that [`Effect::Open`] asked for ended without a result.
    ConnectAbandoned,
    /// The time that [`Effect::WakeAt`] named has come.
    Woken,
    /// Items of batches wait no more.
    DrainBatches,
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
    /// The peer allows so many streams from now on.
    Limit(usize),
    /// It is old: another takes its place.
    Aged,
    /// It takes no new streams.
    Drains(EndCause),
    /// It is gone.
    Closed(EndCause),
}

/// What is to be done, after the lock was released.
#[derive(Debug)]
pub(crate) enum Effect<H, W, E> {
    /// A waiter has a stream.
    Grant {
        /// Who waited.
        waiter: W,
        /// What it has.
        grant: Grant<H>,
    },
    /// A waiter gets none.
    Refuse {
        /// Who waited.
        waiter: W,
        /// Why it gets none.
        why: Refusal<E>,
    },
    /// A connect begins. It ends as [`Event::Opened`], [`Event::ConnectFailed`] or [`Event::ConnectAbandoned`].
    Open(OpenCause),
    /// A connection takes no new streams. Its task ends when the last clone of its handle is gone.
    Retire {
        /// The connection.
        connection: ConnectionId,
        /// Why it drains.
        why: EndCause,
        /// The core's own clone, which is dropped.
        handle: H,
    },
    /// The core wants to be [`Event::Woken`] then, or earlier.
    WakeAt(Instant),
    /// A connection is counted in another phase.
    Moved {
        /// The phase that it leaves; none where it is new.
        from: Option<Phase>,
        /// The phase that it enters; none where it is gone.
        to: Option<Phase>,
    },
    /// The streams that the peer allows changed by so many.
    Allowed(i64),
    /// A connection has closed.
    Closed {
        /// The connection.
        connection: ConnectionId,
        /// What began its end.
        why: EndCause,
        /// The core's own clone, where it had not drained. It is dropped.
        handle: Option<H>,
    },
}

/// What is to be done, in this order by the thread that was told.
pub(crate) type Effects<H, W, E> = Vec<Effect<H, W, E>>;

/// Why a request gets no stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal<E> {
    /// It has no use for one any more.
    Deadline,
    /// No connection could be made, as often as one request waits through.
    Unreachable(E),
    /// No connection may be made to this peer.
    Forbidden(E),
    /// As many wait as may.
    TooManyWaiters(usize),
    /// The pool is shutting down.
    ShuttingDown,
}
