//! How a caller is at a moment, for whoever watches over it.

use std::sync::Arc;

/// How a caller is.
pub(crate) struct CallerLook {
    /// Its name in the configuration.
    pub(crate) name: Arc<str>,
    /// How many pushes it has handed in that were taken.
    pub(crate) taken: u64,
    /// How many pushes a second it may hand in, and how many at once.
    pub(crate) rate: Option<(u32, u32)>,
    /// How many of its pushes are in flight; none where that is not counted.
    pub(crate) in_flight: Option<usize>,
    /// How many batch streams it has open.
    pub(crate) streams: usize,
    /// How many it may have open.
    pub(crate) max_streams: Option<usize>,
    /// How often it was refused, by rule. Rules without a refusal are left out.
    pub(crate) refusals: Vec<(&'static str, u64)>,
}
