//! What the pools of all peers share.

use std::sync::Arc;
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
    pub(crate) connector: Arc<Connector>,
    /// Tells whether the machine slept.
    pub(crate) wall_clock: WallClock,
    /// The places for connections to all peers.
    pub(crate) places: Arc<Places>,
    /// Hosts of strangers that could not be reached.
    pub(crate) unreached: Arc<Unreached>,
    /// Owns every task of the pools, so that their end can be waited for.
    pub(crate) tasks: TaskTracker,
    /// Ends the connects that are under way, since nobody would use their connections.
    pub(crate) stop: CancellationToken,
    /// Every connection is to end at once, also one that a connect has just brought.
    pub(crate) aborted: Arc<AtomicBool>,
}

impl Common {
    /// The same for pools that are made with other settings; none where no pool would notice. What all peers share keeps its
    /// limits.
    pub(crate) fn with(&self, settings: &UpstreamSettings) -> Option<Self> {
        let UpstreamSettings {
            max_connections,
            max_peers,
            max_stranger_peers,
            max_stranger_connections,
            max_stranger_lookups,
            ..
        } = self.settings;
        let settings = UpstreamSettings {
            max_connections,
            max_peers,
            max_stranger_peers,
            max_stranger_connections,
            max_stranger_lookups,
            ..settings.clone()
        };
        (settings != self.settings).then(|| Self {
            settings,
            connector: Arc::clone(&self.connector),
            wall_clock: Arc::clone(&self.wall_clock),
            places: Arc::clone(&self.places),
            unreached: Arc::clone(&self.unreached),
            tasks: self.tasks.clone(),
            stop: self.stop.clone(),
            aborted: Arc::clone(&self.aborted),
        })
    }
}
