//! What the TOML may say of the listeners.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use super::certificate::Certificate;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Grpc {
    pub(in crate::config) listen: Option<SocketAddr>,
    pub(in crate::config) plaintext_anywhere: bool,
    pub(in crate::config) tls: Option<Certificate>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) handshake_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) idle_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) answer_stall_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) max_connection_age: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) max_connection_age_grace: Option<Duration>,
    pub(in crate::config) max_connections: Option<usize>,
    pub(in crate::config) max_connections_per_address: Option<usize>,
    pub(in crate::config) trusted_proxies: Vec<String>,
    pub(in crate::config) max_message_bytes: Option<usize>,
    pub(in crate::config) max_push_bytes: Option<usize>,
    pub(in crate::config) max_message_items: Option<usize>,
    pub(in crate::config) max_connection_bytes: Option<usize>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) message_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) deadline_margin: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) progress_interval: Option<Duration>,
    pub(in crate::config) max_concurrent_streams: Option<u32>,
    pub(in crate::config) max_batch_streams: Option<usize>,
    pub(in crate::config) stream_window_bytes: Option<u32>,
    pub(in crate::config) connection_window_bytes: Option<u32>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) keepalive_interval: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) keepalive_timeout: Option<Duration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Admin {
    pub(in crate::config) listen: Option<SocketAddr>,
    pub(in crate::config) plaintext_anywhere: bool,
    pub(in crate::config) tls: Option<Certificate>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) idle_timeout: Option<Duration>,
    pub(in crate::config) max_connections: Option<usize>,
    pub(in crate::config) max_connections_per_address: Option<usize>,
}
