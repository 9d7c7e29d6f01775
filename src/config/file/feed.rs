//! What the TOML may say of a feed.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Feed {
    pub(in crate::config) name: Option<String>,
    pub(in crate::config) url: Option<String>,
    pub(in crate::config) plaintext_anywhere: bool,
    pub(in crate::config) secret_file: Option<PathBuf>,
    pub(in crate::config) ca_files: Vec<PathBuf>,
    pub(in crate::config) outcomes: Option<Vec<String>>,
    pub(in crate::config) apps: Option<Vec<String>>,
    pub(in crate::config) max_queue: Option<usize>,
    pub(in crate::config) batch_max: Option<usize>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) batch_delay: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) max_age: Option<Duration>,
}
