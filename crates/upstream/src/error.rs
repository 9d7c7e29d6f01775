//! Why a request has no answer: it provably was not processed, or it was sent and not answered.
//!
//! The texts of these errors are shown by programs that use the pool, so they do not change.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::connect_error::ConnectError;
use crate::core::Refusal;
use crate::error_code::ErrorCode;
use crate::failure::{FailingPeer, LeftAlone, PeerFailure};
use crate::fields::Fields;

/// Why a request has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UpstreamError {
    /// The peer provably did not process the request. It may be sent again.
    #[error(transparent)]
    Unsent(#[from] Unsent),
    /// The peer may have processed the request. If it is sent again, it may be done twice.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

/// Why a request provably was not processed by the peer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unsent {
    /// The deadline passed while the request waited for a stream.
    #[error("no stream was free before the deadline")]
    Deadline,
    /// The deadline passed while there was no connection, for this reason.
    #[error("no connection before the deadline: {0}")]
    DeadlineUnreachable(Arc<ConnectError>),
    /// The deadline passed while there was no connection, because the peer fails in this way.
    #[error("no connection before the deadline: {0}")]
    DeadlineFailing(Box<FailingPeer>),
    /// The peer fails, and is left alone: its breaker is open.
    #[error("nothing is sent for now, because {}", .0.peer)]
    BreakerOpen(Box<LeftAlone>),
    /// [`UpstreamSettings::connect_patience`](crate::UpstreamSettings::connect_patience) connects failed while the
    /// request waited; this is the last error.
    #[error("{0}")]
    Unreachable(Arc<ConnectError>),
    /// No connection to the peer may be made: none of its addresses is within its [`Reach`](crate::Reach).
    #[error("{0}")]
    Forbidden(Arc<ConnectError>),
    /// Each connection that was given the request gave it back, until
    /// [`UpstreamSettings::max_resends`](crate::UpstreamSettings::max_resends), or until the caller could not make it
    /// again.
    #[error("refused by the upstream {resends} times, at last: {last}")]
    Refused {
        /// How often the request was sent again.
        resends: u32,
        /// Why the last connection gave it back.
        last: UnsentCause,
    },
    /// The line for this peer is full: this many requests wait, which is
    /// [`UpstreamSettings::max_waiters`](crate::UpstreamSettings::max_waiters).
    #[error("too many pushes wait for this upstream ({0})")]
    TooManyWaiters(usize),
    /// The peer takes so few requests in a second that this one would wait about so long, which is far beyond its deadline.
    #[error("so many pushes wait for this upstream that this one would wait about {} s, far beyond its deadline", .0.as_secs_f64().ceil())]
    TooLong(Duration),
    /// What the request depends on is of no use now, as
    /// [`PeerPool::turn_away`](crate::PeerPool::turn_away) was told.
    #[error("what the request depends on is of no use now")]
    TurnedAway,
    /// The pool is shutting down.
    #[error("the gateway is shutting down")]
    ShuttingDown,
}

impl Unsent {
    /// What a request is told that the pool of a host refused.
    pub(crate) fn refused(host: &str, refusal: Refusal<Arc<ConnectError>>) -> Self {
        match refusal {
            Refusal::BreakerOpen { why, retry_after } => {
                let peer = FailingPeer { host: host.to_owned(), why };
                Self::BreakerOpen(Box::new(LeftAlone { peer, retry_after }))
            }
            Refusal::Deadline => Self::Deadline,
            Refusal::Unreachable(error) => Self::Unreachable(error),
            Refusal::Forbidden(error) => Self::Forbidden(error),
            Refusal::TooManyWaiters(most) => Self::TooManyWaiters(most),
            Refusal::TooLong(wait) => Self::TooLong(wait),
            Refusal::TurnedAway => Self::TurnedAway,
            Refusal::ShuttingDown => Self::ShuttingDown,
        }
    }

    /// What a request is told whose deadline passed while it waited for a connection to a host that fails so.
    pub(crate) fn deadline_failing(host: &str, why: PeerFailure) -> Self {
        match why {
            PeerFailure::Connect(error) => Self::DeadlineUnreachable(error),
            why @ PeerFailure::Symptom(_) => {
                Self::DeadlineFailing(Box::new(FailingPeer { host: host.to_owned(), why }))
            }
        }
    }
}

/// Why a connection gave a request back unprocessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsentCause {
    /// The connection did not take the request: it takes no more, or it did not take this one in time.
    NotTaken,
    /// The peer reset the stream with REFUSED_STREAM. Source: RFC 9113, section 8.7.
    RefusedStream,
    /// The peer said GOAWAY, with a last stream id below the request. Source: RFC 9113, section 6.8.
    GoAway,
    /// The connection ended before the socket took the whole request. Without its end the request is malformed, since
    /// it has a `content-length`. Source: RFC 9113, section 8.1.1.
    NotWritten,
}

impl UnsentCause {
    /// The name of the cause for logs and metrics. It is lower case, and does not change.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotTaken => "not_taken",
            Self::RefusedStream => "refused_stream",
            Self::GoAway => "goaway",
            Self::NotWritten => "not_written",
        }
    }
}

impl fmt::Display for UnsentCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTaken => "the connection did not take it",
            Self::RefusedStream => "the stream was refused",
            Self::GoAway => "the upstream went away before it",
            Self::NotWritten => "the connection ended before it was written",
        })
    }
}

/// Why one connection brought no answer.
#[derive(Debug)]
pub(crate) enum NoReply {
    /// The peer provably did not process the request.
    Unsent(UnsentCause),
    /// The peer may have processed the request.
    Unanswered(Unanswered),
}

/// How a request whose caller had left ended, by the name that observers are given.
pub(crate) fn orphan_end<T>(end: &Result<T, NoReply>) -> &'static str {
    match end {
        Ok(_) => "answered",
        Err(NoReply::Unsent(_)) => "returned",
        Err(NoReply::Unanswered(Unanswered { cause: NoAnswerCause::AnswerTimeout, .. })) => "timeout",
        Err(NoReply::Unanswered(_)) => "lost",
    }
}

/// A request that was sent and not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// The head of the answer, where it came before the wait ended. It may tell what became of the request.
    pub head: Option<Box<Head>>,
    /// What ended the wait for the answer.
    pub cause: NoAnswerCause,
}

/// The head of an answer whose body did not come whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: StatusCode,
    /// The header fields.
    pub fields: Fields,
}

impl Unanswered {
    pub(crate) fn without_head(cause: NoAnswerCause) -> Self {
        Self { head: None, cause }
    }

    pub(crate) fn after_head(head: Head, cause: NoAnswerCause) -> Self {
        Self { head: Some(Box::new(head)), cause }
    }

    /// The status code, where the head of the answer came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.head.as_ref().map(|head| head.status.as_u16())
    }
}

impl std::error::Error for Unanswered {}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status() {
            Some(status) => write!(f, "sent; status {status} came, then {}", self.cause),
            None => write!(f, "sent, then {}", self.cause),
        }
    }
}

/// What ended the wait for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswerCause {
    /// The caller's deadline came. The answer is still read, and nobody sees it.
    Deadline,
    /// No answer came within [`UpstreamSettings::answer_timeout`](crate::UpstreamSettings::answer_timeout), and the
    /// stream was reset.
    AnswerTimeout,
    /// The peer reset the stream with this error code. Source: RFC 9113, section 7.
    Reset(u32),
    /// The connection ended after the request was sent.
    ConnectionLost,
    /// The answer was malformed, or larger than
    /// [`UpstreamSettings::max_reply_bytes`](crate::UpstreamSettings::max_reply_bytes) or
    /// [`max_reply_header_bytes`](crate::UpstreamSettings::max_reply_header_bytes), or had a header field that is longer
    /// than [`Fields`] can hold.
    Unreadable,
}

impl NoAnswerCause {
    /// The name of the cause for logs and metrics. It is lower case, and does not change.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::AnswerTimeout => "answer_timeout",
            Self::Reset(_) => "reset",
            Self::ConnectionLost => "connection_lost",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for NoAnswerCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str("the deadline passed"),
            Self::AnswerTimeout => f.write_str("no answer came in time"),
            Self::Reset(code) => write!(f, "the upstream reset the stream with {}", ErrorCode(*code)),
            Self::ConnectionLost => f.write_str("the connection was lost"),
            Self::Unreadable => f.write_str("the answer could not be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_told_what_came_and_what_ended_the_wait() {
        let told = |status: Option<u16>, cause| {
            let head = |status| {
                Box::new(Head { status: StatusCode::from_u16(status).unwrap(), fields: Fields::new() })
            };
            Unanswered { head: status.map(head), cause }.to_string()
        };
        assert_eq!(told(None, NoAnswerCause::ConnectionLost), "sent, then the connection was lost");
        let reset = "sent; status 200 came, then the upstream reset the stream with INTERNAL_ERROR";
        assert_eq!(told(Some(200), NoAnswerCause::Reset(2)), reset);
        let refused = Unsent::Refused { resends: 2, last: UnsentCause::GoAway }.to_string();
        assert_eq!(refused, "refused by the upstream 2 times, at last: the upstream went away before it");
    }
}
