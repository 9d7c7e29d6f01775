//! How one app is on one provider.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::word::Word;
use super::{Fault, moment};

/// How one app is on one provider, in a word. A greater one needs somebody sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AppHealth {
    /// No push was handed to the push service since the gateway was started.
    Unused,
    /// Nothing is known to be wrong.
    Well,
    /// Some of its pushes are concerned, or soon will be.
    Troubled,
    /// Its pushes do not arrive.
    Failing,
}

/// How one app is on one provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AppStatus {
    /// The name of the app.
    pub(crate) app: String,
    /// The name of the provider.
    pub(crate) provider: Word,
    /// How it is.
    pub(crate) health: AppHealth,
    /// What is wrong, or that nothing is, in a sentence.
    pub(crate) sentence: String,
    /// Whose fault that is; none where nothing is wrong.
    pub(crate) fault: Option<Fault>,
    /// Since when.
    #[serde(with = "moment::rfc3339")]
    pub(crate) since: SystemTime,
    /// What to do about it; empty where there is nothing to do.
    pub(crate) remedy: String,
    /// What else is wrong, each in a sentence.
    pub(crate) also: Vec<String>,
    /// Its pushes of the last minute that have a verdict, by outcome. Outcomes without one are left out.
    pub(crate) last_minute: BTreeMap<Word, u64>,
}
