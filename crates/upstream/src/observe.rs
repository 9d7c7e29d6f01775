//! What a pool reports about itself, for whoever counts it.
//!
//! The pool knows no metrics library. It tells an [`Observe`] what happens, and that one turns it into metrics, or into
//! nothing.

use std::time::Duration;

use crate::cause::{EndCause, OpenCause};
use crate::core::Phase;
use crate::peer::Peer;

/// Hears what happens in all pools of an [`Upstream`](crate::Upstream).
pub trait Observe: Send + Sync + 'static {
    /// A peer has a pool from now on. What happens in that pool is reported to what this returns.
    fn peer(&self, peer: &Peer, named_by: NamedBy) -> Box<dyn ObservePeer>;
}

/// Hears what happens in the pool of one peer.
///
/// It is called while requests wait, sometimes with the pool's lock held, so it must neither block nor call the pool.
pub trait ObservePeer: Send + Sync + 'static {
    /// Something happened.
    fn report(&self, report: Report<'_>);
}

/// Who named a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// Whoever runs the process: there are few such peers, and each is known by its origin.
    Operator,
    /// Somebody from outside, such as the owner of a Web Push subscription: there is no end of such peers, so that an
    /// observer bounds the names that it keeps.
    Outsider,
}

/// One thing that happened in the pool of a peer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Report<'a> {
    /// A connection is counted in another state. `None` stands for "not yet" and "no more".
    Connection {
        /// The state that it leaves.
        from: Option<ConnectionState>,
        /// The state that it enters.
        to: Option<ConnectionState>,
    },
    /// A connection was opened.
    Opened(OpenCause),
    /// No connection could be made. The cause is [`ConnectError::cause`](crate::ConnectError::cause), or
    /// `max_connections` where the connect waits for another connection to close.
    ConnectFailed(&'static str),
    /// A connection has closed.
    Closed(EndCause),
    /// The peer said GOAWAY with this error code, and gave this reason in its debug data.
    GoAway {
        /// The error code. Source: RFC 9113, section 7.
        code: u32,
        /// The `reason` of the debug data; the peer chooses it.
        reason: &'a str,
    },
    /// The streams that the peer allows over all its connections changed by so many.
    StreamsAllowed(i64),
    /// The streams in use changed by so many.
    StreamsUsed(i64),
    /// A request began to wait for a stream.
    WaitBegan,
    /// A request waited for a stream so long, and waits no more.
    WaitEnded(Duration),
    /// A request that provably was not processed is sent again; the cause is
    /// [`UnsentCause::name`](crate::UnsentCause::name).
    Resent(&'static str),
    /// A request was sent and not answered; the cause is [`NoAnswerCause::name`](crate::NoAnswerCause::name).
    Unanswered(&'static str),
    /// The requests in flight whose callers have left changed by so many.
    Orphans(i64),
    /// A request whose caller had left ended: `answered`, `returned`, `lost` or `timeout`.
    OrphanEnded(&'static str),
}

/// A state that a connection is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// It is being opened.
    Connecting,
    /// It takes streams, and has brought no good answer yet.
    Warming,
    /// It takes streams.
    Open,
    /// It takes no more streams, and closes when those that it has are done.
    Draining,
}

impl From<Phase> for ConnectionState {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Warming => Self::Warming,
            Phase::Open => Self::Open,
            Phase::Draining => Self::Draining,
        }
    }
}

/// Counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observe for Unobserved {
    fn peer(&self, _: &Peer, _: NamedBy) -> Box<dyn ObservePeer> {
        Box::new(Self)
    }
}

impl ObservePeer for Unobserved {
    fn report(&self, _: Report<'_>) {}
}
