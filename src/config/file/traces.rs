//! `[traces]`: what is traced, and who collects it.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Traces {
    pub(in crate::config) endpoint: Option<String>,
    pub(in crate::config) protocol: Option<String>,
    pub(in crate::config) headers_file: Option<PathBuf>,
    pub(in crate::config) ca_files: Vec<PathBuf>,
    pub(in crate::config) sample_ratio: Option<f64>,
    pub(in crate::config) service_name: Option<String>,
    pub(in crate::config) max_queue: Option<usize>,
    pub(in crate::config) max_batch: Option<usize>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) batch_delay: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) timeout: Option<Duration>,
}
