//! What the pools of all peers share.

use std::sync::atomic::AtomicBool;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connect::Connector;
use crate::places::Places;
use crate::settings::UpstreamSettings;
use crate::sleep::WallClock;
use crate::unreached::Unreached;

/// What the pools of all peers share.
pub(crate) struct Common {
    pub(crate) settings: UpstreamSettings,
    pub(crate) connector: Connector,
    /// Tells whether the machine slept.
    pub(crate) wall_clock: WallClock,
    /// The places for connections to all peers.
    pub(crate) places: Places,
    /// Hosts of strangers that could not be reached.
    pub(crate) unreached: Unreached,
    /// Owns every task of the pools, so that their end can be waited for.
    pub(crate) tasks: TaskTracker,
    /// Ends the connects that are under way, since nobody would use their connections.
    pub(crate) stop: CancellationToken,
    /// Every connection is to end at once, also one that a connect has just brought.
    pub(crate) aborted: AtomicBool,
}
