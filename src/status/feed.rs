//! How a feed is.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::app::AppHealth;
use super::moment;
use super::word::Word;

/// How a feed is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FeedStatus {
    /// Its name in the configuration.
    pub(crate) name: String,
    /// Whether its receiver takes its events.
    pub(crate) health: AppHealth,
    /// Since when it does not.
    #[serde(with = "moment::maybe")]
    pub(crate) since: Option<SystemTime>,
    /// The same in a sentence.
    pub(crate) sentence: String,
    /// What to do; empty where there is nothing.
    pub(crate) remedy: Word,
    /// How many events its receiver has not taken yet.
    pub(crate) queued: usize,
    /// How many events were dropped since it does not take them.
    pub(crate) dropped: u64,
}
