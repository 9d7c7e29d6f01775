//! Why connections open and end, as logs and metrics name it.

/// Why a connection opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenCause {
    /// None was open.
    Needed,
    /// Those that were open were full.
    Full,
    /// In place of one that drains, or is old.
    Successor,
}

impl OpenCause {
    /// Its name in logs and metrics.
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
    /// The peer said GOAWAY.
    GoAway,
    /// The peer closed it.
    Closed,
    /// The socket failed.
    Io,
    /// The peer broke HTTP/2, or h2 thinks so.
    Protocol,
    /// h2 took no more requests.
    NotTaken,
    /// A stream of it was lost: the connection's own end says why.
    Lost,
    /// A write failed, and what the peer had still to say was read.
    WriteFailed,
    /// The socket stayed full.
    Unwritable,
    /// A PING had no answer.
    PingLost,
    /// A request had no answer: HTTP/1.1 cannot give up a request alone, and over HTTP/2 there had been no good
    /// answer before.
    AnswerTimeout,
    /// An answer asked for another connection.
    Retired,
    /// It had no streams for `upstream.idle_timeout`.
    Idle,
    /// It had no streams, and another peer waited for its place.
    GaveWay,
    /// It was open for `upstream.max_age`.
    Age,
    /// Its peer was forgotten for another.
    Evicted,
    /// The gateway shuts down.
    Shutdown,
    /// Its task ended before it did.
    Aborted,
}

impl EndCause {
    /// Its name in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GoAway => "goaway",
            Self::Closed => "closed",
            Self::Io => "io",
            Self::Protocol => "protocol",
            Self::NotTaken => "not_taken",
            Self::Lost => "lost",
            Self::WriteFailed => "write_failed",
            Self::Unwritable => "unwritable",
            Self::PingLost => "ping_lost",
            Self::AnswerTimeout => "answer_timeout",
            Self::Retired => "retired",
            Self::Idle => "idle",
            Self::GaveWay => "gave_way",
            Self::Age => "age",
            Self::Evicted => "evicted",
            Self::Shutdown => "shutdown",
            Self::Aborted => "aborted",
        }
    }

    /// We wanted it so: it says nothing about the peer.
    pub(super) fn is_ours(self) -> bool {
        match self {
            Self::Idle | Self::GaveWay | Self::Age | Self::Evicted | Self::Shutdown | Self::Aborted => true,
            Self::GoAway
            | Self::Closed
            | Self::Io
            | Self::Protocol
            | Self::NotTaken
            | Self::Lost
            | Self::WriteFailed
            | Self::Unwritable
            | Self::PingLost
            | Self::AnswerTimeout
            | Self::Retired => false,
        }
    }
}
