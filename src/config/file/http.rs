//! What the TOML may say of an HTTP listener.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use super::certificate::Certificate;
use super::json_ingress::JsonIngress;
use super::matrix_ingress::MatrixIngress;
use super::mattermost_ingress::MattermostIngress;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct HttpTable {
    pub(in crate::config) listen: Option<SocketAddr>,
    pub(in crate::config) serve: Vec<String>,
    pub(in crate::config) caller: Option<String>,
    pub(in crate::config) networks: Vec<String>,
    pub(in crate::config) plaintext_anywhere: bool,
    pub(in crate::config) together: bool,
    pub(in crate::config) no_credentials_anywhere: bool,
    pub(in crate::config) tls: Option<Certificate>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) handshake_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) idle_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) answer_stall_timeout: Option<Duration>,
    pub(in crate::config) max_connections: Option<usize>,
    pub(in crate::config) max_connections_per_address: Option<usize>,
    pub(in crate::config) trusted_proxies: Vec<String>,
    pub(in crate::config) max_concurrent_streams: Option<u32>,
    pub(in crate::config) max_body_bytes: Option<usize>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) body_timeout: Option<Duration>,
    pub(in crate::config) max_requests_per_source: Option<usize>,
    pub(in crate::config) requests_per_second_per_source: Option<u32>,
    pub(in crate::config) json: Option<JsonIngress>,
    pub(in crate::config) mattermost: Option<MattermostIngress>,
    pub(in crate::config) matrix: Option<MatrixIngress>,
}
