//! What is wrong with a call as a whole, which each protocol says in its own way. What is wrong with a push is its result.

use std::time::Duration;

use thiserror::Error;

use crate::caller::{Denied, Unknown};
use crate::desk::{NO_ROOM_WAIT, NoRoom};
use crate::push::{Reason, Refusal};

/// What is wrong with a call, in one sentence.
#[derive(Debug, Error)]
pub(in super::super) enum CallFault {
    /// The call itself cannot be what it is. Nothing was sent.
    #[error("{}: {}", .0.field, .0.detail)]
    Bad(Refusal),
    /// There is no room. Nothing was sent, so it is safe to call again.
    #[error("{}", no_room(*.0))]
    NoRoom(NoRoom),
    /// The gateway does not know the caller.
    #[error("{0}; nothing was sent")]
    UnknownCaller(Unknown),
    /// The caller may not make this call.
    #[error("{0}")]
    Denied(Denied),
    /// What the caller of a batch showed has expired while its stream was open.
    #[error("what the caller showed has expired; items_read tells how far the stream was read")]
    CallerExpired,
    /// The caller of a batch stopped reading.
    #[error("the caller stopped reading results (limits.reader_stall_timeout)")]
    NotReading { items_read: u64, settled: u64, undelivered: u64 },
    /// A batch's deadline has come: what was read before has its verdict.
    #[error("the stream's deadline ended its reading; items_read tells how far")]
    OutOfTime,
    /// The connection of a batch has reached its age, and the stream went on until the end of the grace.
    #[error(
        "the connection has reached its age, and its grace has passed (grpc.max_connection_age_grace); items_read tells how \
         far the stream was read, and items without a result are in doubt"
    )]
    ConnectionOver,
    /// The task of a batch failed. Whether items without a result were sent is in doubt.
    #[error("work on the batch failed inside the gateway; items without a result are in doubt")]
    BatchBroke,
}

impl CallFault {
    /// The same as a code.
    pub(in super::super) fn reason(&self) -> Reason {
        match self {
            Self::Bad(refusal) => refusal.reason,
            Self::NoRoom(why) => why.reason(),
            Self::UnknownCaller(_) | Self::CallerExpired => Reason::CallerUnknown,
            Self::Denied(Denied::Streams(_)) => Reason::Overloaded,
            Self::Denied(_) => Reason::NotPermitted,
            Self::NotReading { .. } => Reason::ClientNotReading,
            Self::OutOfTime => Reason::DeadlineExceeded,
            Self::ConnectionOver => Reason::Draining,
            Self::BatchBroke => Reason::GatewayBug,
        }
    }

    /// When the same call is worth trying again; none where that would not help, or would send pushes twice.
    pub(in super::super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::NoRoom(why) => Some(why.wait().unwrap_or(NO_ROOM_WAIT)),
            Self::Denied(Denied::Streams(_)) => Some(NO_ROOM_WAIT),
            Self::Bad(_)
            | Self::UnknownCaller(_)
            | Self::Denied(_)
            | Self::CallerExpired
            | Self::NotReading { .. }
            | Self::OutOfTime
            | Self::ConnectionOver
            | Self::BatchBroke => None,
        }
    }
}

fn no_room(why: NoRoom) -> &'static str {
    match why {
        NoRoom::Full(_) => {
            "the gateway has no room for more pushes of this app or caller (limits.max_in_flight); nothing was sent"
        }
        NoRoom::OverBudget => {
            "the bytes of callers fill the gateway's room for them (limits.max_held_bytes); nothing of this was sent"
        }
        NoRoom::Draining => "the gateway is shutting down; nothing was sent",
        NoRoom::OverRate(_) => "the caller is over its rate (pushes_per_second); nothing was sent",
    }
}
