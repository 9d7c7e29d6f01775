//! The files of a certificate that the gateway shows.

use std::path::PathBuf;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Certificate {
    pub(in crate::config) certificate_file: PathBuf,
    pub(in crate::config) private_key_file: PathBuf,
}
