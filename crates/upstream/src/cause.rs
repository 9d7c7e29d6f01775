//! Why connections open and end.

/// Why a connection opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenCause {
    /// No connection was open, and a request waited.
    Needed,
    /// All streams of the open connections were in use, and a request waited.
    Full,
    /// It takes the place of a connection that drains, or that is old.
    Successor,
}

impl OpenCause {
    /// The name of the cause for logs and metrics, such as `full`. It is lower case, and does not change.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Needed => "needed",
            Self::Full => "full",
            Self::Successor => "successor",
        }
    }
}

/// Why a connection takes no more streams, or is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndCause {
    /// The peer said GOAWAY. Source: RFC 9113, section 6.8.
    GoAway,
    /// The peer closed the connection.
    Closed,
    /// The socket failed.
    Io,
    /// The peer broke the rules of HTTP/2, or sent more than is sensible.
    Protocol,
    /// It took no more requests.
    NotTaken,
    /// A write failed, and what the peer had sent before was read.
    WriteFailed,
    /// No answer came to a PING, on this connection or on another of the peer that was silent for as long.
    PingLost,
    /// No answer came to a request. HTTP/1.1 cannot give up one request alone; over HTTP/2 this ends only a connection
    /// that has brought no good answer before.
    AnswerTimeout,
    /// A caller asked for it, by [`Answer::retire_connection`](crate::Answer::retire_connection).
    Retired,
    /// It had no streams for [`UpstreamSettings::idle_timeout`](crate::UpstreamSettings::idle_timeout), or for that of
    /// HTTP/1.1.
    Idle,
    /// It had no streams, and a connection to another peer waited for its place.
    GaveWay,
    /// It was open for about [`UpstreamSettings::max_age`](crate::UpstreamSettings::max_age).
    Age,
    /// Its peer was forgotten for another one.
    Evicted,
    /// Its peer was not named again, see [`Upstream::name_anew`](crate::Upstream::name_anew).
    PeerRetired,
    /// The pool shuts down.
    Shutdown,
    /// Its task was dropped, by a panic or with the runtime.
    Aborted,
}

impl EndCause {
    /// The name of the cause for logs and metrics, such as `goaway`. It is lower case, and does not change.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GoAway => "goaway",
            Self::Closed => "closed",
            Self::Io => "io",
            Self::Protocol => "protocol",
            Self::NotTaken => "not_taken",
            Self::WriteFailed => "write_failed",
            Self::PingLost => "ping_lost",
            Self::AnswerTimeout => "answer_timeout",
            Self::Retired => "retired",
            Self::Idle => "idle",
            Self::GaveWay => "gave_way",
            Self::Age => "age",
            Self::Evicted => "evicted",
            Self::PeerRetired => "peer_retired",
            Self::Shutdown => "shutdown",
            Self::Aborted => "aborted",
        }
    }

    /// Whether the end was our own wish, so it says nothing about the peer.
    pub(crate) fn is_ours(self) -> bool {
        match self {
            Self::Idle
            | Self::GaveWay
            | Self::Age
            | Self::Evicted
            | Self::PeerRetired
            | Self::Shutdown
            | Self::Aborted => true,
            Self::GoAway
            | Self::Closed
            | Self::Io
            | Self::Protocol
            | Self::NotTaken
            | Self::WriteFailed
            | Self::PingLost
            | Self::AnswerTimeout
            | Self::Retired => false,
        }
    }
}
