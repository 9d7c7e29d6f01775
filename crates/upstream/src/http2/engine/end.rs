//! How a request ends. Each ends exactly once.

use crate::error::Head;
use crate::request::Reply;

/// How a request ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The whole answer is there.
    Answered(Reply),
    /// The peer said GOAWAY with a last id below the stream, before it answered anything: it did not process the
    /// request. Source: RFC 9113, section 6.8.
    GoneAway,
    /// The peer reset the stream with REFUSED_STREAM before it answered anything: it did not process the request.
    /// Source: RFC 9113, section 8.7.
    Refused,
    /// The peer reset the stream.
    Reset {
        /// The error code.
        code: u32,
        /// The head of the answer, if it came.
        head: Option<Head>,
    },
    /// The answer is malformed or too large. The stream was reset.
    Unreadable {
        /// The head of the answer, if it came and was well formed.
        head: Option<Head>,
    },
    /// The connection ended first.
    Lost {
        /// How much of the request the socket took.
        progress: Progress,
        /// The head of the answer, if it came.
        head: Option<Head>,
    },
}

/// How much of a request the socket took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The socket took nothing of it.
    NotBegun,
    /// The socket did not take its end. Since it has a `content-length`, what the peer has is malformed. Source: RFC
    /// 9113, section 8.1.1.
    Incomplete,
    /// The socket may have taken all of it.
    Complete,
}

/// A request that ended.
#[derive(Debug)]
pub(crate) struct Ended<T> {
    /// What its owner knows it by.
    pub(crate) token: T,
    /// How it ended.
    pub(crate) end: End,
}
