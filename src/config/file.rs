//! What the TOML may say. Unknown keys are refused, and everything but the apps has a default.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) grpc: Grpc,
    pub(super) admin: Admin,
    pub(super) limits: Limits,
    pub(super) upstream: Upstream,
    pub(super) proxy: Option<Proxy>,
    pub(super) apns: Apns,
    pub(super) fcm: Fcm,
    pub(super) web_push: WebPush,
    pub(super) log: Log,
    pub(super) issuers: BTreeMap<String, Issuer>,
    pub(super) apps: BTreeMap<String, App>,
    pub(super) callers: BTreeMap<String, Caller>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Grpc {
    pub(super) listen: Option<SocketAddr>,
    pub(super) plaintext_anywhere: bool,
    pub(super) tls: Option<Certificate>,
    #[serde(with = "humantime_serde")]
    pub(super) handshake_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(super) idle_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(super) answer_stall_timeout: Option<Duration>,
    pub(super) max_connections: Option<usize>,
    pub(super) max_connections_per_address: Option<usize>,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) max_message_bytes: Option<usize>,
    pub(super) max_push_bytes: Option<usize>,
    pub(super) max_message_items: Option<usize>,
    pub(super) max_connection_bytes: Option<usize>,
    #[serde(with = "humantime_serde")]
    pub(super) message_timeout: Option<Duration>,
    pub(super) max_concurrent_streams: Option<u32>,
    pub(super) max_batch_streams: Option<usize>,
    pub(super) stream_window_bytes: Option<u32>,
    pub(super) connection_window_bytes: Option<u32>,
    #[serde(with = "humantime_serde")]
    pub(super) keepalive_interval: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(super) keepalive_timeout: Option<Duration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Admin {
    pub(super) listen: Option<SocketAddr>,
    pub(super) plaintext_anywhere: bool,
    pub(super) tls: Option<Certificate>,
    #[serde(with = "humantime_serde")]
    pub(super) idle_timeout: Option<Duration>,
    pub(super) max_connections: Option<usize>,
    pub(super) max_connections_per_address: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    pub(super) max_in_flight: Option<usize>,
    pub(super) max_held_bytes: Option<usize>,
    pub(super) max_attempts: Option<u32>,
    #[serde(with = "humantime_serde")]
    pub(super) max_wait: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(super) drain_timeout: Option<Duration>,
    pub(super) batch_window: Option<usize>,
    pub(super) batch_max_waiting: Option<usize>,
    #[serde(with = "humantime_serde")]
    pub(super) batch_max_wait: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(super) reader_stall_timeout: Option<Duration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Upstream {
    pub(super) ca_files: Vec<PathBuf>,
    #[serde(with = "humantime_serde")]
    pub(super) connect_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(super) backoff_min: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(super) backoff_max: Option<Duration>,
    pub(super) connect_patience: Option<u32>,
    pub(super) max_connections_per_peer: Option<usize>,
    pub(super) max_connections: Option<usize>,
    pub(super) max_streams: Option<usize>,
    pub(super) max_waiters: Option<usize>,
    pub(super) max_peers: Option<usize>,
    #[serde(with = "humantime_serde")]
    pub(super) answer_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(super) ping_after: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(super) ping_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(super) idle_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(super) http1_idle_timeout: Option<Duration>,
    #[serde(with = "humantime_serde")]
    pub(super) max_age: Option<Duration>,
    pub(super) max_resends: Option<u32>,
    pub(super) max_reply_bytes: Option<usize>,
    pub(super) max_reply_header_bytes: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Apns {
    pub(super) production: Option<String>,
    pub(super) sandbox: Option<String>,
    pub(super) ca_files: Vec<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fcm {
    pub(super) origin: Option<String>,
    pub(super) metadata: Option<String>,
    pub(super) ca_files: Vec<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WebPush {
    pub(super) ca_files: Vec<PathBuf>,
    pub(super) max_origins: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proxy {
    pub(super) url: String,
    pub(super) credentials_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) no_proxy: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    pub(super) format: Option<LogFormat>,
    pub(super) filter: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LogFormat {
    Auto,
    Pretty,
    Json,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issuer {
    pub(super) issuer: String,
    pub(super) audience: OneOrMany,
    pub(super) algorithms: Option<Vec<String>>,
    pub(super) claim: Option<String>,
    pub(super) jwks_file: Option<PathBuf>,
    pub(super) jwks_url: Option<String>,
    #[serde(default, with = "humantime_serde")]
    pub(super) refresh: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    pub(super) max_stale: Option<Duration>,
    #[serde(default)]
    pub(super) ca_files: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct App {
    #[serde(default, with = "humantime_serde")]
    pub(super) default_ttl: Option<Duration>,
    pub(super) apns: Option<AppApns>,
    pub(super) fcm: Option<AppFcm>,
    pub(super) mattermost: Option<AppMattermost>,
    pub(super) web_push: Option<AppWebPush>,
    pub(super) proxy: Option<Proxy>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppFcm {
    pub(super) project: String,
    pub(super) key_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) metadata_server: bool,
    pub(super) certificate: Option<Certificate>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppMattermost {
    pub(super) url: String,
    pub(super) server_id: String,
    #[serde(default)]
    pub(super) front_502: Front502,
    #[serde(default)]
    pub(super) http: Http,
    #[serde(default)]
    pub(super) ca_files: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppWebPush {
    pub(super) key_file: PathBuf,
    pub(super) public_key: Option<String>,
    pub(super) subject: String,
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    #[serde(default)]
    pub(super) any_port: bool,
    #[serde(default)]
    pub(super) private_addresses: bool,
    #[serde(default)]
    pub(super) pad_to: usize,
    #[serde(default)]
    pub(super) front_502: Front502,
    #[serde(default)]
    pub(super) http: Http,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Front502 {
    #[default]
    Unknown,
    NotSent,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) enum Http {
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
pub(super) struct AppApns {
    pub(super) environment: ApnsEnvironment,
    pub(super) topics: Vec<String>,
    #[serde(default)]
    pub(super) unknown_push_types: bool,
    #[serde(default)]
    pub(super) front_502: Front502,
    pub(super) token: Option<ApnsToken>,
    pub(super) certificate: Option<Certificate>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ApnsEnvironment {
    Production,
    Sandbox,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApnsToken {
    pub(super) key_file: PathBuf,
    pub(super) key_id: String,
    pub(super) team_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificate {
    pub(super) certificate_file: PathBuf,
    pub(super) private_key_file: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Caller {
    pub(super) apps: Vec<String>,
    pub(super) providers: Vec<String>,
    pub(super) topics: Vec<String>,
    pub(super) broadcasts: Vec<String>,
    pub(super) rpcs: Vec<String>,
    pub(super) service_classes: Vec<String>,
    pub(super) pushes_per_second: Option<u32>,
    pub(super) burst: Option<u32>,
    pub(super) max_streams: Option<usize>,
    pub(super) weight: Option<u8>,
    pub(super) admin: bool,
    pub(super) anonymous: bool,
    pub(super) key_sha256: Vec<String>,
    pub(super) certificate: Option<CallerCertificate>,
    pub(super) jwt: Option<CallerToken>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallerCertificate {
    pub(super) ca_file: PathBuf,
    pub(super) spiffe: Option<String>,
    pub(super) dns: Option<String>,
    pub(super) cn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallerToken {
    pub(super) issuer: String,
    pub(super) name: String,
}
