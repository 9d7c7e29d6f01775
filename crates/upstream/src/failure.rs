//! What is wrong with a peer, in words.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::cause::EndCause;
use crate::connect_error::ConnectError;
use crate::error_code::ErrorCode;

/// What is wrong with a peer, as its last failure said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerFailure<E = Arc<ConnectError>> {
    /// No connection can be made, for this reason.
    Connect(E),
    /// Connections are made, and this is wrong with them.
    Symptom(Symptom),
}

/// What is wrong with a peer to which connections are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symptom {
    /// It breaks the rules of HTTP/2, or sends more than is sensible.
    Violation {
        /// The error code that it was told. Source: RFC 9113, section 7.
        code: u32,
        /// What it did.
        what: &'static str,
    },
    /// It says GOAWAY with this error code before it answers anything. Source: RFC 9113, section 6.8.
    GoAway(u32),
    /// Its connections end before it answers.
    Ended(EndCause),
    /// It resets the streams of requests with this error code. Source: RFC 9113, section 7.
    Reset(u32),
    /// It takes requests and does not answer them in
    /// [`UpstreamSettings::answer_timeout`](crate::UpstreamSettings::answer_timeout).
    NoAnswer,
    /// It gives a request back whenever that is sent, as often as
    /// [`UpstreamSettings::max_resends`](crate::UpstreamSettings::max_resends) allows.
    Refuses,
    /// Its answers have this status, of which a caller said by [`Answer::failed`](crate::Answer::failed) that the peer
    /// is ill.
    Status(u16),
}

/// A peer that fails, by its host.
#[derive(Debug, Clone)]
pub struct FailingPeer {
    /// The host of the peer.
    pub host: String,
    /// Its last failure.
    pub why: PeerFailure,
}

impl fmt::Display for FailingPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fails: {}", self.host, self.why)
    }
}

/// A peer that fails, and is left alone for a while.
#[derive(Debug, Clone)]
pub struct LeftAlone {
    /// Who fails, and how.
    pub peer: FailingPeer,
    /// When it may be worth to ask again.
    pub retry_after: Duration,
}

impl<E> PeerFailure<E> {
    /// The name of the failure for logs and metrics. It is lower case, and does not change.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Symptom(symptom) => symptom.name(),
        }
    }
}

impl Symptom {
    /// The name of the symptom for logs and metrics. It is lower case, and does not change.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Violation { .. } => "protocol",
            Self::GoAway(_) => "goaway",
            Self::Ended(_) => "connection_lost",
            Self::Reset(_) => "reset",
            Self::NoAnswer => "no_answer",
            Self::Refuses => "refused",
            Self::Status(_) => "status",
        }
    }
}

impl<E: fmt::Display> fmt::Display for PeerFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::Symptom(symptom) => symptom.fmt(f),
        }
    }
}

impl fmt::Display for Symptom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation { code, what } => write!(f, "it breaks HTTP/2 ({}: {what})", ErrorCode(*code)),
            Self::GoAway(code) => write!(f, "it says GOAWAY ({}) and answers nothing", ErrorCode(*code)),
            Self::Ended(cause) => write!(f, "its connections end before it answers ({})", cause.name()),
            Self::Reset(code) => write!(f, "it resets requests ({})", ErrorCode(*code)),
            Self::NoAnswer => f.write_str("no answers come"),
            Self::Refuses => f.write_str("it refuses every request"),
            Self::Status(status) => write!(f, "it answers {status}"),
        }
    }
}
