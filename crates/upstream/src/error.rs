//! Why an exchange has no answer: provably not sent, or sent and not answered.

use std::fmt;
use std::sync::Arc;

use http::response::Parts;
use http::{HeaderMap, StatusCode};

use crate::connect_error::ConnectError;
use crate::core::Refusal;

/// An exchange without an answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UpstreamError {
    /// The peer did not process the request. It may be sent again.
    #[error(transparent)]
    Unsent(#[from] Unsent),
    /// The peer may have processed the request. Sending it again may do it twice.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

/// Why a request provably was not processed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unsent {
    /// The deadline passed while it waited for a stream.
    #[error("no stream was free before the deadline")]
    Deadline,
    /// The deadline passed while there was no connection.
    #[error("no connection before the deadline: {0}")]
    DeadlineUnreachable(Arc<ConnectError>),
    /// No connection could be made, several times over.
    #[error("{0}")]
    Unreachable(Arc<ConnectError>),
    /// Connections to the peer would go where they may not: it has no public address.
    #[error("{0}")]
    Forbidden(Arc<ConnectError>),
    /// Each connection that took it gave it back.
    #[error("refused by the upstream {resends} times, at last: {last}")]
    Refused {
        /// How often it was sent again.
        resends: u32,
        /// What the last connection said.
        last: UnsentCause,
    },
    /// Too many requests wait for this peer (`upstream.max_waiters`).
    #[error("too many pushes wait for this upstream ({0})")]
    TooManyWaiters(usize),
    /// The pool is shutting down.
    #[error("the gateway is shutting down")]
    ShuttingDown,
}

impl From<Refusal<Arc<ConnectError>>> for Unsent {
    fn from(refusal: Refusal<Arc<ConnectError>>) -> Self {
        match refusal {
            Refusal::Deadline => Self::Deadline,
            Refusal::Unreachable(error) => Self::Unreachable(error),
            Refusal::Forbidden(error) => Self::Forbidden(error),
            Refusal::TooManyWaiters(most) => Self::TooManyWaiters(most),
            Refusal::ShuttingDown => Self::ShuttingDown,
        }
    }
}

/// How a connection gave a request back unprocessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsentCause {
    /// The connection did not take it: it took no more, or not this one in time.
    NotTaken,
    /// RST_STREAM with REFUSED_STREAM. Source: RFC 9113, section 8.7.
    RefusedStream,
    /// GOAWAY with a last stream id below it. Source: RFC 9113, section 6.8.
    GoAway,
    /// The connection ended before the request, or the end of it, reached the socket.
    NotWritten,
}

impl UnsentCause {
    /// Its name in metrics.
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

/// An exchange that brought no answer.
#[derive(Debug)]
pub(super) enum NoReply {
    /// Provably not processed.
    Returned(UnsentCause),
    /// Perhaps processed.
    Unanswered(Unanswered),
}

/// A request that was sent and not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// The head of an answer, where one came. It may decide alone what became of the request.
    pub head: Option<Box<Head>>,
    /// What ended the wait.
    pub cause: NoAnswerCause,
}

/// Status and headers of an answer whose body did not come whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
}

impl Unanswered {
    pub(super) fn without_head(cause: NoAnswerCause) -> Self {
        Self { head: None, cause }
    }

    pub(super) fn after_head(head: &Parts, cause: NoAnswerCause) -> Self {
        let head = Head { status: head.status, headers: head.headers.clone() };
        Self { head: Some(Box::new(head)), cause }
    }

    /// The status, where the head of an answer came.
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
    /// The caller's deadline.
    Deadline,
    /// `upstream.answer_timeout`; the stream was reset.
    AnswerTimeout,
    /// The peer reset the stream, with this code. Source: RFC 9113, section 7.
    Reset(u32),
    /// The connection ended.
    ConnectionLost,
    /// The answer was over `upstream.max_reply_bytes`, or malformed.
    Unreadable,
}

impl NoAnswerCause {
    /// Its name in metrics.
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
            Self::Reset(code) => write!(f, "the upstream reset the stream with {}", h2::Reason::from(*code)),
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
                Box::new(Head { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new() })
            };
            Unanswered { head: status.map(head), cause }.to_string()
        };
        assert_eq!(told(None, NoAnswerCause::ConnectionLost), "sent, then the connection was lost");
        let reset = "sent; status 200 came, then the upstream reset the stream with unexpected internal error encountered";
        assert_eq!(told(Some(200), NoAnswerCause::Reset(2)), reset);
        let refused = Unsent::Refused { resends: 2, last: UnsentCause::GoAway }.to_string();
        assert_eq!(refused, "refused by the upstream 2 times, at last: the upstream went away before it");
    }
}
