//! Why somebody has no turn.

use std::time::Duration;

/// Why there is no turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTurn {
    /// A turn would come after this wait only, and the deadline is before that.
    #[error("its turn would come in {0:.1?}, after its deadline")]
    TooLong(Duration),
    /// As many wait as [`PaceSettings::max_waiters`](crate::PaceSettings::max_waiters) allows. A turn would come after this wait.
    #[error("too many wait for their turn, which would come in {0:.1?}")]
    Full(Duration),
    /// What the request depends on is of no use now, as [`Pacer::turn_away`](crate::Pacer::turn_away) was told, or the peer
    /// whose pace this is fails, and is left alone.
    #[error("what it depends on is of no use now")]
    TurnedAway,
    /// The pool that the pacer belongs to is shut down.
    #[error("the pool is shut down")]
    ShuttingDown,
}
