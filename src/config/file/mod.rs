//! What the TOML may say. Unknown keys are refused, and everything but the apps has a default.

mod callers;
mod certificate;
mod feed;
mod http;
mod json_ingress;
mod listeners;
mod matrix_ingress;
mod mattermost_ingress;
mod traces;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

pub(in crate::config) use callers::{Caller, CallerCertificate, Issuer, OneOrMany};
pub(in crate::config) use certificate::Certificate;
pub(in crate::config) use feed::Feed;
pub(in crate::config) use http::HttpTable;
pub(in crate::config) use json_ingress::JsonIngress;
pub(in crate::config) use listeners::{Admin, Grpc};
pub(in crate::config) use matrix_ingress::{MatrixApp, MatrixIngress, MatrixProvider, UnknownApp};
pub(in crate::config) use mattermost_ingress::MattermostIngress;
pub(in crate::config) use traces::Traces;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct File {
    pub(in crate::config) grpc: Grpc,
    pub(in crate::config) admin: Admin,
    pub(in crate::config) http: Vec<HttpTable>,
    pub(in crate::config) feed: Vec<Feed>,
    pub(in crate::config) limits: Limits,
    pub(in crate::config) reload: Reload,
    pub(in crate::config) upstream: Upstream,
    pub(in crate::config) proxy: Option<Proxy>,
    pub(in crate::config) apns: Apns,
    pub(in crate::config) fcm: Fcm,
    pub(in crate::config) web_push: WebPush,
    pub(in crate::config) log: Log,
    pub(in crate::config) traces: Traces,
    pub(in crate::config) issuers: BTreeMap<String, Issuer>,
    pub(in crate::config) apps: BTreeMap<String, App>,
    pub(in crate::config) callers: BTreeMap<String, Caller>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Limits {
    pub(in crate::config) max_in_flight: Option<usize>,
    pub(in crate::config) max_held_bytes: Option<usize>,
    pub(in crate::config) max_attempts: Option<u32>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) max_wait: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) drain_delay: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) drain_timeout: Option<Duration>,
    pub(in crate::config) batch_window: Option<usize>,
    pub(in crate::config) batch_max_waiting: Option<usize>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) batch_max_wait: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) reader_stall_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) once_window: Option<Duration>,
    pub(in crate::config) once_max: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Upstream {
    pub(in crate::config) ca_files: Vec<PathBuf>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) connect_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) backoff_min: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) backoff_max: Option<Duration>,
    pub(in crate::config) connect_patience: Option<u32>,
    pub(in crate::config) breaker_failures: Option<u32>,
    pub(in crate::config) breaker_error_percent: Option<u32>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) breaker_wait: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) breaker_max_wait: Option<Duration>,
    pub(in crate::config) max_connections_per_peer: Option<usize>,
    pub(in crate::config) max_connections: Option<usize>,
    pub(in crate::config) max_streams: Option<usize>,
    pub(in crate::config) max_waiters: Option<usize>,
    pub(in crate::config) max_peers: Option<usize>,
    pub(in crate::config) max_stranger_peers: Option<usize>,
    pub(in crate::config) max_stranger_connections: Option<usize>,
    pub(in crate::config) max_stranger_lookups: Option<usize>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) answer_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) ping_after: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) ping_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) probe_after: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) probe_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) idle_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) http1_idle_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) max_age: Option<Duration>,
    pub(in crate::config) max_resends: Option<u32>,
    pub(in crate::config) retry_percent: Option<u32>,
    pub(in crate::config) retry_min_per_second: Option<u32>,
    pub(in crate::config) max_reply_bytes: Option<usize>,
    pub(in crate::config) max_reply_header_bytes: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Apns {
    pub(in crate::config) production: Option<String>,
    pub(in crate::config) sandbox: Option<String>,
    pub(in crate::config) ca_files: Vec<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Fcm {
    pub(in crate::config) origin: Option<String>,
    pub(in crate::config) metadata: Option<String>,
    pub(in crate::config) ca_files: Vec<PathBuf>,
    pub(in crate::config) pushes_per_minute: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct WebPush {
    pub(in crate::config) ca_files: Vec<PathBuf>,
    pub(in crate::config) max_origins: Option<usize>,
    pub(in crate::config) pushes_per_second_per_origin: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Proxy {
    pub(in crate::config) url: String,
    pub(in crate::config) credentials_file: Option<PathBuf>,
    #[serde(default)]
    pub(in crate::config) no_proxy: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Reload {
    pub(in crate::config) on_change: Option<bool>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) check_every: Option<Duration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Log {
    pub(in crate::config) format: Option<LogFormat>,
    pub(in crate::config) filter: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum LogFormat {
    Auto,
    Pretty,
    Json,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct App {
    #[serde(default, with = "humantime_serde")]
    pub(in crate::config) default_ttl: Option<Duration>,
    pub(in crate::config) weight: Option<u8>,
    pub(in crate::config) apns: Option<AppApns>,
    pub(in crate::config) fcm: Option<AppFcm>,
    pub(in crate::config) mattermost: Option<AppMattermost>,
    pub(in crate::config) web_push: Option<AppWebPush>,
    pub(in crate::config) proxy: Option<Proxy>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct AppFcm {
    pub(in crate::config) project: String,
    pub(in crate::config) pushes_per_minute: Option<u32>,
    pub(in crate::config) key_file: Option<PathBuf>,
    #[serde(default)]
    pub(in crate::config) metadata_server: bool,
    pub(in crate::config) certificate: Option<Certificate>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct AppMattermost {
    pub(in crate::config) url: String,
    pub(in crate::config) server_id: String,
    #[serde(default)]
    pub(in crate::config) front_502: Front502,
    #[serde(default)]
    pub(in crate::config) http: Http,
    #[serde(default)]
    pub(in crate::config) ca_files: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct AppWebPush {
    pub(in crate::config) key_file: PathBuf,
    pub(in crate::config) public_key: Option<String>,
    pub(in crate::config) subject: String,
    #[serde(default)]
    pub(in crate::config) hosts: Vec<String>,
    #[serde(default)]
    pub(in crate::config) any_port: bool,
    #[serde(default)]
    pub(in crate::config) private_addresses: bool,
    #[serde(default)]
    pub(in crate::config) pad_to: usize,
    #[serde(default)]
    pub(in crate::config) front_502: Front502,
    #[serde(default)]
    pub(in crate::config) http: Http,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum Front502 {
    #[default]
    Unknown,
    NotSent,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(in crate::config) enum Http {
    #[default]
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "1.1")]
    One,
    #[serde(rename = "2")]
    Two,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct AppApns {
    pub(in crate::config) environment: ApnsEnvironment,
    pub(in crate::config) topics: Vec<String>,
    #[serde(default)]
    pub(in crate::config) unknown_push_types: bool,
    #[serde(default)]
    pub(in crate::config) front_502: Front502,
    pub(in crate::config) token: Option<ApnsToken>,
    pub(in crate::config) certificate: Option<Certificate>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum ApnsEnvironment {
    Production,
    Sandbox,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct ApnsToken {
    pub(in crate::config) key_file: PathBuf,
    pub(in crate::config) key_id: String,
    pub(in crate::config) team_id: String,
}
