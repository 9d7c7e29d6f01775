//! How full the windows of the open batches are.

use serde::{Deserialize, Serialize};

/// How full the windows of the open batches are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BatchesStatus {
    /// How many batches are open.
    pub(crate) streams: usize,
    /// How many seats of their windows are taken, by items in flight and by results that are not delivered yet.
    pub(crate) seats_used: usize,
    /// How many seats their windows have.
    pub(crate) seats_allowed: usize,
}
