//! The settings of a configuration that says nothing but its apps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fanfare_upstream::{Origin, UpstreamSettings};

use super::{AppConfig, Config, FcmUpstream, ReloadSettings, Trust, WebPushUpstreams};
use crate::credential::google::Source;
use crate::dispatch::DispatchSettings;
use crate::ingress::admin::AdminSettings;
use crate::ingress::grpc::GrpcSettings;
use crate::telemetry::{LogSettings, TraceSettings};

/// Source: Apple, "Sending notification requests to APNs".
const APNS_PRODUCTION: &str = "api.push.apple.com";
/// Source: the same page.
const APNS_SANDBOX: &str = "api.sandbox.push.apple.com";

/// Source: Firebase, "Send a message using FCM HTTP v1 API".
const FCM: &str = "fcm.googleapis.com";

/// The quota that a project has unless Google gave it more. Source: Firebase, "FCM Throttling and Quotas".
const FCM_PUSHES_PER_MINUTE: u32 = 600_000;

/// There are fewer push services than this; the token of each costs about a kilobyte.
const MAX_ORIGINS: usize = 1024;

const MAX_IN_FLIGHT: usize = 50_000;
const MAX_HELD_BYTES: usize = 512 * 1024 * 1024;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

pub(super) fn config(apps: Vec<AppConfig>, trust: Trust) -> Config {
    let traces = TraceSettings { roots: Arc::clone(trust.roots()), ..TraceSettings::default() };
    Config {
        grpc: GrpcSettings::default(),
        admin: AdminSettings::default(),
        http: Vec::new(),
        max_in_flight: MAX_IN_FLIGHT,
        max_held_bytes: MAX_HELD_BYTES,
        reload: ReloadSettings::default(),
        drain_delay: Duration::ZERO,
        drain_timeout: DRAIN_TIMEOUT,
        dispatch: DispatchSettings::default(),
        upstream: UpstreamSettings::default(),
        apns_trust: trust.clone(),
        apns_production: Origin::https(APNS_PRODUCTION),
        apns_sandbox: Origin::https(APNS_SANDBOX),
        fcm: FcmUpstream {
            origin: Origin::https(FCM),
            metadata: Source::metadata_origin(),
            trust: trust.clone(),
            pushes_per_minute: FCM_PUSHES_PER_MINUTE,
        },
        web_push: WebPushUpstreams { trust: trust.clone(), max_origins: MAX_ORIGINS },
        trust,
        proxy: None,
        log: LogSettings::default(),
        traces,
        feeds: Vec::new(),
        callers: Vec::new(),
        issuers: Vec::new(),
        apps,
        warnings: Vec::new(),
        unfit: Vec::new(),
        certificates: Vec::new(),
        written: BTreeMap::new(),
    }
}
