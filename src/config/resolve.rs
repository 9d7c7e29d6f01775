//! From what the file says to what the modules need.

use std::path::Path;
use std::time::Duration;

use super::error::{ConfigError, ConfigErrors};
use super::file;
use super::lines::Lines;
use super::{AppConfig, Config, FcmUpstream, WebPushUpstreams};
use crate::credential::google::Source;
use crate::dispatch::DispatchSettings;
use crate::ingress::admin::AdminSettings;
use crate::ingress::grpc::GrpcSettings;
use crate::telemetry::{LogFormat, LogSettings};
use crate::upstream::{InvalidOrigin, Origin, UpstreamSettings};

/// Source: Apple, "Sending notification requests to APNs".
const APNS_PRODUCTION: &str = "api.push.apple.com";
/// Source: the same.
const APNS_SANDBOX: &str = "api.sandbox.push.apple.com";

/// Source: Firebase, "Send a message using FCM HTTP v1 API".
const FCM: &str = "fcm.googleapis.com";

/// More than there are push services; each costs about a kilobyte.
const MAX_ORIGINS: usize = 1024;

const MAX_IN_FLIGHT: usize = 50_000;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

/// A configuration that says nothing but its apps.
pub(super) fn defaults(apps: Vec<AppConfig>) -> Config {
    Config {
        grpc: GrpcSettings::default(),
        admin: AdminSettings::default(),
        max_in_flight: MAX_IN_FLIGHT,
        drain_timeout: DRAIN_TIMEOUT,
        dispatch: DispatchSettings::default(),
        upstream: UpstreamSettings::default(),
        extra_roots: Vec::new(),
        apns_extra_roots: Vec::new(),
        apns_production: Origin::https(APNS_PRODUCTION),
        apns_sandbox: Origin::https(APNS_SANDBOX),
        fcm: FcmUpstream {
            origin: Origin::https(FCM),
            metadata: Source::metadata_origin(),
            extra_roots: Vec::new(),
        },
        web_push: WebPushUpstreams { extra_roots: Vec::new(), max_origins: MAX_ORIGINS },
        proxy: None,
        log: LogSettings::default(),
        apps,
        warnings: Vec::new(),
    }
}

pub(super) fn resolve(path: &Path, lines: &Lines<'_>, file: file::File) -> Result<Config, ConfigErrors> {
    let mut reader = Reader { path, lines, errors: Vec::new(), warnings: Vec::new() };
    let mut config = reader.config(file);
    config.warnings = reader.warnings;
    if reader.errors.is_empty() { Ok(config) } else { Err(ConfigErrors(reader.errors)) }
}

/// Collects what is wrong, so that all of it is said at once.
pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    lines: &'a Lines<'a>,
    errors: Vec<ConfigError>,
    warnings: Vec<ConfigError>,
}

impl Reader<'_> {
    fn config(&mut self, file: file::File) -> Config {
        let mut config = defaults(Vec::new());
        if let Some(listen) = file.admin.listen {
            config.admin.listen = listen;
        }
        self.grpc(&mut config.grpc, &file.grpc);
        let limits = file.limits;
        self.positive("limits.max_in_flight", &mut config.max_in_flight, limits.max_in_flight);
        self.positive("limits.max_attempts", &mut config.dispatch.max_attempts, limits.max_attempts);
        self.wait("limits.max_wait", &mut config.grpc.max_wait, limits.max_wait);
        self.wait("limits.drain_timeout", &mut config.drain_timeout, limits.drain_timeout);
        let batch = &mut config.grpc.batch;
        self.positive("limits.batch_window", &mut batch.window, limits.batch_window);
        if batch.window == 1 {
            // A seat and room would wait for each other.
            self.error("limits.batch_window", "expected at least 2, found 1");
        }
        self.positive("limits.batch_max_waiting", &mut batch.max_waiting, limits.batch_max_waiting);
        self.wait("limits.batch_max_wait", &mut batch.max_wait, limits.batch_max_wait);
        let stall = limits.reader_stall_timeout;
        self.wait("limits.reader_stall_timeout", &mut batch.reader_stall_timeout, stall);
        self.upstream(&mut config.upstream, &file.upstream);
        config.extra_roots = self.extra_roots("upstream.ca_files", &file.upstream.ca_files);
        config.apns_extra_roots = self.extra_roots("apns.ca_files", &file.apns.ca_files);
        config.fcm.extra_roots = self.extra_roots("fcm.ca_files", &file.fcm.ca_files);
        config.web_push.extra_roots = self.extra_roots("web_push.ca_files", &file.web_push.ca_files);
        self.positive("web_push.max_origins", &mut config.web_push.max_origins, file.web_push.max_origins);
        self.origin("apns.production", &mut config.apns_production, file.apns.production.as_deref());
        self.origin("apns.sandbox", &mut config.apns_sandbox, file.apns.sandbox.as_deref());
        self.origin("fcm.origin", &mut config.fcm.origin, file.fcm.origin.as_deref());
        self.origin("fcm.metadata", &mut config.fcm.metadata, file.fcm.metadata.as_deref());
        config.proxy = file.proxy.and_then(|proxy| self.proxy("proxy", &proxy));
        self.log(&mut config.log, file.log);
        if file.apps.is_empty() {
            self.error("apps", "expected at least one app, such as [apps.shop.apns], found none");
        }
        let metadata = &config.fcm.metadata;
        config.apps =
            file.apps.into_iter().filter_map(|(name, app)| self.app(&name, app, metadata)).collect();
        config
    }

    fn grpc(&mut self, it: &mut GrpcSettings, file: &file::Grpc) {
        if let Some(listen) = file.listen {
            it.listen = listen;
        }
        if !it.listen.ip().is_loopback() && !file.plaintext_anywhere {
            let found = it.listen;
            self.error(
                "grpc.listen",
                format!(
                    "expected a loopback address, found {found}: callers are not authenticated yet; \
                 set grpc.plaintext_anywhere = true where the network keeps others out"
                ),
            );
        }
        self.positive("grpc.max_message_bytes", &mut it.max_message_bytes, file.max_message_bytes);
        self.positive(
            "grpc.max_concurrent_streams",
            &mut it.max_concurrent_streams,
            file.max_concurrent_streams,
        );
        self.positive("grpc.stream_window_bytes", &mut it.stream_window, file.stream_window_bytes);
        self.positive(
            "grpc.connection_window_bytes",
            &mut it.connection_window,
            file.connection_window_bytes,
        );
        self.wait("grpc.keepalive_interval", &mut it.keepalive_interval, file.keepalive_interval);
        self.wait("grpc.keepalive_timeout", &mut it.keepalive_timeout, file.keepalive_timeout);
        self.positive("grpc.max_batch_streams", &mut it.max_batch_streams, file.max_batch_streams);
        self.windows(it);
    }

    fn windows(&mut self, it: &GrpcSettings) {
        /// Source: RFC 9113, section 6.9.1.
        const LARGEST_WINDOW: u32 = (1 << 31) - 1;
        for (key, window) in [
            ("grpc.stream_window_bytes", it.stream_window),
            ("grpc.connection_window_bytes", it.connection_window),
        ] {
            if !(65_535..=LARGEST_WINDOW).contains(&window) {
                self.error(key, format!("expected 65535 to {LARGEST_WINDOW} bytes, found {window}"));
            }
        }
        // One more: the call that must go through while all batches of the connection stall.
        let streams = it.max_batch_streams.saturating_add(1);
        let needed = streams.saturating_mul(it.stream_window as usize);
        if needed > it.connection_window as usize {
            let problem = format!(
                "expected at least {needed} bytes, found {}: grpc.max_batch_streams ({}) batches that stall, of \
                 grpc.stream_window_bytes ({}) each, would stop every other call of their connection",
                it.connection_window, it.max_batch_streams, it.stream_window
            );
            self.error("grpc.connection_window_bytes", problem);
        }
    }

    fn upstream(&mut self, it: &mut UpstreamSettings, file: &file::Upstream) {
        self.wait("upstream.connect_timeout", &mut it.connect_timeout, file.connect_timeout);
        self.wait("upstream.backoff_min", &mut it.backoff_min, file.backoff_min);
        self.wait("upstream.backoff_max", &mut it.backoff_max, file.backoff_max);
        self.positive("upstream.connect_patience", &mut it.connect_patience, file.connect_patience);
        self.positive(
            "upstream.max_connections_per_peer",
            &mut it.max_connections_per_peer,
            file.max_connections_per_peer,
        );
        self.positive("upstream.max_connections", &mut it.max_connections, file.max_connections);
        self.positive("upstream.max_streams", &mut it.max_streams, file.max_streams);
        self.positive("upstream.max_waiters", &mut it.max_waiters, file.max_waiters);
        self.positive("upstream.max_peers", &mut it.max_peers, file.max_peers);
        self.wait("upstream.answer_timeout", &mut it.answer_timeout, file.answer_timeout);
        self.wait("upstream.ping_after", &mut it.ping_after, file.ping_after);
        self.wait("upstream.ping_timeout", &mut it.ping_timeout, file.ping_timeout);
        self.wait("upstream.idle_timeout", &mut it.idle_timeout, file.idle_timeout);
        self.wait("upstream.http1_idle_timeout", &mut it.http1_idle_timeout, file.http1_idle_timeout);
        self.wait("upstream.max_age", &mut it.max_age, file.max_age);
        self.positive("upstream.max_reply_bytes", &mut it.max_reply_bytes, file.max_reply_bytes);
        self.positive(
            "upstream.max_reply_header_bytes",
            &mut it.max_reply_header_bytes,
            file.max_reply_header_bytes,
        );
        if let Some(resends) = file.max_resends {
            it.max_resends = resends;
        }
        if it.backoff_min > it.backoff_max {
            let (min, max) = (it.backoff_min, it.backoff_max);
            self.error(
                "upstream.backoff_min",
                format!("expected at most upstream.backoff_max ({max:?}), found {min:?}"),
            );
        }
    }

    fn log(&mut self, it: &mut LogSettings, file: file::Log) {
        match file.format {
            None | Some(file::LogFormat::Auto) => {}
            Some(file::LogFormat::Pretty) => it.format = LogFormat::Pretty,
            Some(file::LogFormat::Json) => it.format = LogFormat::Json,
        }
        let Some(filter) = file.filter else { return };
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&filter) {
            let problem = format!("expected a filter such as info,fanfare=debug, found {filter:?}: {error}");
            self.error("log.filter", problem);
        }
        it.filter = filter;
    }

    pub(super) fn origin(&mut self, key: &str, setting: &mut Origin, text: Option<&str>) {
        let parsed: Result<Origin, InvalidOrigin> = match text {
            Some(text) => text.parse(),
            None => return,
        };
        match parsed {
            Ok(origin) => *setting = origin,
            Err(error) => self.error(key, error.to_string()),
        }
    }

    /// A wait: more than nothing, and not so long that no clock could hold its end.
    pub(super) fn wait(&mut self, key: &str, setting: &mut Duration, value: Option<Duration>) {
        const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
        match value {
            Some(found) if found > LONGEST => {
                self.error(key, format!("expected at most a year, found {found:?}"));
            }
            value => self.positive(key, setting, value),
        }
    }

    pub(super) fn positive<T: Default + PartialEq>(&mut self, key: &str, setting: &mut T, value: Option<T>) {
        let Some(value) = value else { return };
        if value == T::default() {
            self.error(key, "expected more than 0, found 0");
        } else {
            *setting = value;
        }
    }

    pub(super) fn error(&mut self, key: &str, problem: impl Into<String>) {
        let error = self.at(key, problem.into());
        self.errors.push(error);
    }

    /// What is unwise, and not wrong.
    pub(super) fn warn(&mut self, key: &str, problem: String) {
        let warning = self.at(key, problem);
        self.warnings.push(warning);
    }

    fn at(&self, key: &str, problem: String) -> ConfigError {
        ConfigError { file: self.path.to_owned(), line: self.lines.line(key), key: key.to_owned(), problem }
    }
}
