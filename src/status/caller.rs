//! How a caller is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::word::Word;

use super::Trouble;

/// How a caller is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CallerStatus {
    /// Its name in the configuration, or `anyone` where the configuration has no callers.
    pub(crate) name: String,
    /// How many pushes a second it handed in lately.
    pub(crate) pushes_per_second: f64,
    /// How many it may hand in; none where nothing limits it.
    pub(crate) rate: Option<RateStatus>,
    /// How many of its pushes are in flight; none where that is not counted.
    pub(crate) in_flight: Option<usize>,
    /// How many batch streams it has open.
    pub(crate) streams: usize,
    /// How many it may have open; none where nothing limits it.
    pub(crate) max_streams: Option<usize>,
    /// How often it was refused since the gateway was started, by rule. Rules without a refusal are left out.
    pub(crate) refusals: BTreeMap<Word, u64>,
    /// That it is over its rate, if it is.
    pub(crate) trouble: Option<Trouble>,
}

/// How many pushes a second a caller may hand in.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct RateStatus {
    /// So many a second.
    pub(crate) pushes_per_second: u32,
    /// Of which so many may come at once.
    pub(crate) burst: u32,
}
