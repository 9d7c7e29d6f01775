//! What the pools of all peers share.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::budget::Budget;
use crate::connect::Connector;
use crate::settings::UpstreamSettings;

/// What the pools of all peers share.
pub(crate) struct Common {
    pub(crate) settings: UpstreamSettings,
    pub(crate) connector: Connector,
    /// Counts the connections of all peers.
    pub(crate) budget: Arc<Budget>,
    /// Owns every task of the pools, so that their end can be waited for.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when every connection is to end, so that connects under way end too.
    pub(crate) aborted: CancellationToken,
}
