//! What the TOML may say of callers, and of the issuers of their tokens.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Issuer {
    pub(in crate::config) issuer: String,
    pub(in crate::config) audience: OneOrMany,
    pub(in crate::config) algorithms: Option<Vec<String>>,
    pub(in crate::config) claim: Option<String>,
    pub(in crate::config) jwks_file: Option<PathBuf>,
    pub(in crate::config) jwks_url: Option<String>,
    #[serde(default, with = "humantime_serde")]
    pub(in crate::config) refresh: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    pub(in crate::config) max_stale: Option<Duration>,
    #[serde(default)]
    pub(in crate::config) ca_files: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub(in crate::config) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Caller {
    pub(in crate::config) apps: Vec<String>,
    pub(in crate::config) providers: Vec<String>,
    pub(in crate::config) topics: Vec<String>,
    pub(in crate::config) broadcasts: Vec<String>,
    pub(in crate::config) rpcs: Vec<String>,
    pub(in crate::config) service_classes: Vec<String>,
    pub(in crate::config) pushes_per_second: Option<u32>,
    pub(in crate::config) burst: Option<u32>,
    pub(in crate::config) max_streams: Option<usize>,
    pub(in crate::config) weight: Option<u8>,
    pub(in crate::config) admin: bool,
    pub(in crate::config) anonymous: bool,
    pub(in crate::config) key_sha256: Vec<String>,
    pub(in crate::config) certificate: Option<CallerCertificate>,
    pub(in crate::config) jwt: Option<CallerToken>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct CallerCertificate {
    pub(in crate::config) ca_file: PathBuf,
    pub(in crate::config) spiffe: Option<String>,
    pub(in crate::config) dns: Option<String>,
    pub(in crate::config) cn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct CallerToken {
    pub(in crate::config) issuer: String,
    pub(in crate::config) name: String,
}
