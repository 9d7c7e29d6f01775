//! What a pool reports about itself.
//!
//! The pool knows no metrics library. It tells an [`Observe`] what happens, which may count it, or do nothing.

use std::time::Duration;

use crate::cause::{EndCause, OpenCause};
use crate::core::Phase;
use crate::kind::PeerKind;
use crate::peer::Peer;

/// Hears what happens in all pools of an [`Upstream`](crate::Upstream).
pub trait Observe: Send + Sync + 'static {
    /// A peer has a pool from now on. What happens in that pool is reported to the observer that this returns. It is
    /// called under a lock that [`Upstream::peer`](crate::Upstream::peer) takes, so it must not call the pool.
    fn peer(&self, peer: &Peer, kind: PeerKind) -> Box<dyn ObservePeer>;
}

/// Hears what happens in the pool of one peer.
///
/// It is called while requests wait, so it must neither block nor call the pool.
pub trait ObservePeer: Send + Sync + 'static {
    /// Something happened.
    fn report(&self, report: Report<'_>);
}

/// One thing that happened in the pool of a peer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Report<'a> {
    /// The peer was forgotten for another. Its connections close.
    Forgotten,
    /// A connection enters another state. `None` stands for "not yet" and "no more".
    Connection {
        /// The state that it leaves.
        from: Option<ConnectionState>,
        /// The state that it enters.
        to: Option<ConnectionState>,
    },
    /// A connection was opened, for this cause.
    Opened(OpenCause),
    /// No connection could be made. The cause is that of [`ConnectError::cause`](crate::ConnectError::cause), or
    /// `max_connections` if the connect waits until another connection closes.
    ConnectFailed(&'static str),
    /// A connection has closed, for this cause.
    Closed(EndCause),
    /// The peer said GOAWAY.
    GoAway {
        /// The error code. Source: RFC 9113, section 7.
        code: u32,
        /// The reason in the debug data: `Shutdown` of `{"reason":"Shutdown"}`, and else the whole text. It is cut to
        /// 40 characters, which are letters, digits, `_`, `-` and `.`, and is `none` if nothing is left. The peer
        /// chooses it, so an observer has to bound the reasons that it keeps.
        reason: &'a str,
    },
    /// The number of streams that the peer allows, over all its connections, changed by this.
    StreamsAllowed(i64),
    /// The number of streams in use changed by this.
    StreamsUsed(i64),
    /// A request began to wait for a stream.
    WaitBegan,
    /// A request waits for a stream no more. It waited for this long.
    WaitEnded(Duration),
    /// A request that provably was not processed is sent again. The cause is that of
    /// [`UnsentCause::name`](crate::UnsentCause::name).
    Resent(&'static str),
    /// Something happened to the pace at which requests are sent.
    Pace(PaceReport),
    /// A request was not tried again, since the budget of retries was used up.
    RetryRefused,
    /// A request was sent and not answered. The cause is that of [`NoAnswerCause::name`](crate::NoAnswerCause::name).
    Unanswered(&'static str),
    /// The peer fails and is left alone from now on, until [`BreakerClosed`](Self::BreakerClosed). The cause is that of
    /// [`PeerFailure::name`](crate::PeerFailure::name).
    BreakerOpened(&'static str),
    /// The peer is left alone no more: it is well again, or its pool is forgotten.
    BreakerClosed,
    /// The number of requests in flight whose callers have left changed by this.
    Orphans(i64),
    /// A request whose caller had left ended: it was `answered`; it was `returned`, which is provably unsent; its
    /// answer was `lost`; or none came in time, a `timeout`.
    OrphanEnded(&'static str),
}

/// One thing that happened to the pace at which requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PaceReport {
    /// A request began to wait for its turn.
    WaitBegan,
    /// A request waits for its turn no more. It waited for this long.
    WaitEnded(Duration),
    /// The number of turns a second changed by this. Where there is no pace it counts as 0.
    Changed(f64),
    /// The answers of the service began to limit the pace.
    Lowered,
}

/// The state of a connection, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// The connection is being opened.
    Connecting,
    /// The connection takes requests, and has still to bring a good answer before another may open beside it.
    Warming,
    /// The connection takes requests.
    Open,
    /// The connection takes no more requests, and closes when the last of those that it has is answered.
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

/// An observer that ignores every report.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observe for Unobserved {
    fn peer(&self, _: &Peer, _: PeerKind) -> Box<dyn ObservePeer> {
        Box::new(Self)
    }
}

impl ObservePeer for Unobserved {
    fn report(&self, _: Report<'_>) {}
}
