//! What a configuration holds once everything in it was checked.

use std::collections::BTreeMap;
use std::time::Duration;

use fanfare_upstream::{Origin, Proxies, UpstreamSettings};

use super::apps::AppConfig;
use super::certificates::ShownCertificate;
use super::error::ConfigError;
use super::trust::Trust;
use crate::caller::CallerSettings;
use crate::caller::jwt::IssuerSettings;
use crate::dispatch::DispatchSettings;
use crate::feed::FeedSettings;
use crate::ingress::admin::AdminSettings;
use crate::ingress::grpc::GrpcSettings;
use crate::ingress::http::HttpSettings;
use crate::telemetry::{LogSettings, TraceSettings};

/// A checked configuration.
pub struct Config {
    /// Settings of the gRPC listener.
    pub grpc: GrpcSettings,
    /// Settings of the admin listener.
    pub admin: AdminSettings,
    /// Settings of the HTTP listeners.
    pub http: Vec<HttpSettings>,
    /// How many pushes may be in flight.
    pub max_in_flight: usize,
    /// How many bytes of callers may be held: messages that arrive or wait for places, and large pushes in flight.
    pub max_held_bytes: usize,
    /// When the configuration is read again.
    pub reload: ReloadSettings,
    /// How long a shutdown goes on taking calls, so that balancers learn that the gateway is not ready.
    pub drain_delay: Duration,
    /// How long a shutdown waits for the pushes in flight.
    pub drain_timeout: Duration,
    /// Settings of the attempts that a push gets.
    pub dispatch: DispatchSettings,
    /// Settings of the pool.
    pub upstream: UpstreamSettings,
    /// The roots by which upstreams are verified that have none of their own.
    pub trust: Trust,
    /// The roots by which APNs is verified.
    pub apns_trust: Trust,
    /// Where APNs is for App Store and TestFlight builds.
    pub apns_production: Origin,
    /// Where APNs is for development builds.
    pub apns_sandbox: Origin,
    /// Where FCM is, and how it is verified.
    pub fcm: FcmUpstream,
    /// What the push services of browsers have in common.
    pub web_push: WebPushUpstreams,
    /// The proxy by which upstreams are reached, where an app names none of its own.
    pub proxy: Option<Proxies>,
    /// What is logged, and how.
    pub log: LogSettings,
    /// What is traced, and who collects it.
    pub traces: TraceSettings,
    /// Who else is told what becomes of pushes.
    pub feeds: Vec<FeedSettings>,
    /// The callers; where there are none, everybody may do everything.
    pub callers: Vec<CallerSettings>,
    /// The issuers whose tokens callers may show.
    pub issuers: Vec<IssuerSettings>,
    /// The apps that callers may push for.
    pub apps: Vec<AppConfig>,
    /// What is unwise but not wrong, such as a private key that every user of the machine may read.
    pub warnings: Vec<ConfigError>,
    /// What a gateway starts with all the same, since its other apps work, and what cannot work, such as a certificate that
    /// has ended.
    pub unfit: Vec<ConfigError>,
    /// The certificates that the gateway shows.
    pub certificates: Vec<ShownCertificate>,
    /// The settings of the whole gateway that the file writes out, by their keys.
    pub written: BTreeMap<String, String>,
}

/// When a configuration is read again, beside SIGHUP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReloadSettings {
    /// Whether it is read again where one of its files has changed.
    pub on_change: bool,
    /// How often its files are looked at.
    pub check_every: Duration,
}

impl Default for ReloadSettings {
    fn default() -> Self {
        Self { on_change: true, check_every: Duration::from_secs(5) }
    }
}

/// Where FCM is, and how it is verified.
pub struct FcmUpstream {
    /// Where FCM itself is.
    pub origin: Origin,
    /// Where the metadata server of a machine at Google is.
    pub metadata: Origin,
    /// The roots by which FCM and its token endpoint are verified.
    pub trust: Trust,
    /// How many pushes a minute this gateway sends to each project.
    pub pushes_per_minute: u32,
}

/// What the push services of browsers have in common. Each subscription says where its own is.
pub struct WebPushUpstreams {
    /// The roots by which they are verified.
    pub trust: Trust,
    /// How many origins' VAPID tokens are kept for each key.
    pub max_origins: usize,
}
