//! What the file says of listeners, limits, upstreams and the log.

use std::time::Duration;

use fanfare_upstream::{BreakerSettings, UpstreamSettings};

use super::Reader;
use crate::config::{Config, file};
use crate::held_bytes::BytesBudget;
use crate::ingress::grpc::GrpcSettings;
use crate::telemetry::{LogFormat, LogSettings};

/// The largest flow-control window of HTTP/2. Source: RFC 9113, section 6.9.1.
const LARGEST_WINDOW: u32 = (1 << 31) - 1;

/// The window that HTTP/2 begins with; a smaller one cannot be asked for. Source: RFC 9113, section 6.9.2.
const FIRST_WINDOW: u32 = 65_535;

impl Reader<'_> {
    /// Reads everything but proxies and apps.
    pub(super) fn settings(&mut self, config: &mut Config, file: &file::File) {
        self.admin_listener(&mut config.admin.listener, &file.admin);
        self.grpc_listener(&mut config.grpc.listener, &file.grpc);
        self.grpc(&mut config.grpc, &file.grpc);
        let limits = &file.limits;
        self.positive("limits.max_in_flight", &mut config.max_in_flight, limits.max_in_flight);
        self.positive("limits.max_held_bytes", &mut config.max_held_bytes, limits.max_held_bytes);
        self.message_bytes(config);
        self.positive("limits.max_attempts", &mut config.dispatch.max_attempts, limits.max_attempts);
        self.wait("limits.max_wait", &mut config.grpc.max_wait, limits.max_wait);
        config.reload.on_change = file.reload.on_change.unwrap_or(config.reload.on_change);
        self.wait("reload.check_every", &mut config.reload.check_every, file.reload.check_every);
        if limits.drain_delay.is_some_and(|delay| !delay.is_zero()) {
            self.wait("limits.drain_delay", &mut config.drain_delay, limits.drain_delay);
        }
        self.wait("limits.drain_timeout", &mut config.drain_timeout, limits.drain_timeout);
        let batch = &mut config.grpc.batch;
        self.positive("limits.batch_window", &mut batch.window, limits.batch_window);
        if batch.window == 1 {
            // With one seat, a push that waits for a seat and one that waits for room would wait for each other.
            self.error("limits.batch_window", "expected at least 2, found 1");
        }
        self.positive("limits.batch_max_waiting", &mut batch.max_waiting, limits.batch_max_waiting);
        self.wait("limits.batch_max_wait", &mut batch.max_wait, limits.batch_max_wait);
        let stall = limits.reader_stall_timeout;
        self.wait("limits.reader_stall_timeout", &mut batch.reader_stall_timeout, stall);
        self.wait("limits.once_window", &mut config.grpc.once.window, limits.once_window);
        self.positive("limits.once_max", &mut config.grpc.once.max, limits.once_max);
        self.upstream(&mut config.upstream, &file.upstream);
        self.paces(config, file);
        config.apns_trust = self.trust("apns.ca_files", &config.trust, &file.apns.ca_files);
        config.fcm.trust = self.trust("fcm.ca_files", &config.trust, &file.fcm.ca_files);
        config.web_push.trust = self.trust("web_push.ca_files", &config.trust, &file.web_push.ca_files);
        self.positive("web_push.max_origins", &mut config.web_push.max_origins, file.web_push.max_origins);
        self.origin("apns.production", &mut config.apns_production, file.apns.production.as_deref());
        self.origin("apns.sandbox", &mut config.apns_sandbox, file.apns.sandbox.as_deref());
        self.origin("fcm.origin", &mut config.fcm.origin, file.fcm.origin.as_deref());
        self.origin("fcm.metadata", &mut config.fcm.metadata, file.fcm.metadata.as_deref());
        self.log(&mut config.log, &file.log);
        let trust = config.trust.clone();
        self.traces(&mut config.traces, &trust, &file.traces);
    }

    fn grpc(&mut self, grpc: &mut GrpcSettings, file: &file::Grpc) {
        self.positive("grpc.max_message_bytes", &mut grpc.max_message_bytes, file.max_message_bytes);
        self.positive("grpc.max_push_bytes", &mut grpc.max_push_bytes, file.max_push_bytes);
        self.positive("grpc.max_message_items", &mut grpc.max_message_items, file.max_message_items);
        self.positive("grpc.max_connection_bytes", &mut grpc.max_connection_bytes, file.max_connection_bytes);
        self.wait("grpc.message_timeout", &mut grpc.message_timeout, file.message_timeout);
        if file.deadline_margin == Some(Duration::ZERO) {
            grpc.deadline_margin = Duration::ZERO;
        } else {
            self.wait("grpc.deadline_margin", &mut grpc.deadline_margin, file.deadline_margin);
        }
        self.wait("grpc.progress_interval", &mut grpc.batch.progress_interval, file.progress_interval);
        self.wait("grpc.max_connection_age", &mut grpc.max_connection_age, file.max_connection_age);
        let grace = file.max_connection_age_grace;
        self.wait("grpc.max_connection_age_grace", &mut grpc.max_connection_age_grace, grace);
        let http2 = &mut grpc.http2;
        self.positive(
            "grpc.max_concurrent_streams",
            &mut http2.max_concurrent_streams,
            file.max_concurrent_streams,
        );
        self.positive("grpc.stream_window_bytes", &mut http2.stream_window, file.stream_window_bytes);
        self.positive(
            "grpc.connection_window_bytes",
            &mut http2.connection_window,
            file.connection_window_bytes,
        );
        self.wait("grpc.keepalive_interval", &mut http2.keepalive_interval, file.keepalive_interval);
        self.wait("grpc.keepalive_timeout", &mut http2.keepalive_timeout, file.keepalive_timeout);
        self.positive("grpc.max_batch_streams", &mut grpc.max_batch_streams, file.max_batch_streams);
        self.windows(grpc);
    }

    /// A message that is allowed must be able to arrive.
    fn message_bytes(&mut self, config: &Config) {
        let (grpc, message) = (&config.grpc, config.grpc.max_message_bytes);
        if grpc.max_push_bytes > message {
            let found = grpc.max_push_bytes;
            let problem = format!("expected at most grpc.max_message_bytes ({message}), found {found}");
            self.error("grpc.max_push_bytes", problem);
        }
        if grpc.max_connection_bytes < message {
            let found = grpc.max_connection_bytes;
            let problem = format!("expected at least grpc.max_message_bytes ({message}), found {found}");
            self.error("grpc.max_connection_bytes", problem);
        }
        let window = grpc.http2.stream_window as usize;
        let (needed, found) = (BytesBudget::total_for(message, window), config.max_held_bytes);
        if found < needed {
            let problem = format!(
                "expected at least {needed}, so that one caller's share holds a message of grpc.max_message_bytes \
                 ({message}), what it was before it was decompressed, the one before it, and the window of a batch (grpc.stream_window_bytes, {window}), found {found}"
            );
            self.error("limits.max_held_bytes", problem);
        }
    }

    fn windows(&mut self, grpc: &GrpcSettings) {
        for (key, window) in [
            ("grpc.stream_window_bytes", grpc.http2.stream_window),
            ("grpc.connection_window_bytes", grpc.http2.connection_window),
        ] {
            if !(FIRST_WINDOW..=LARGEST_WINDOW).contains(&window) {
                let problem = format!("expected {FIRST_WINDOW} to {LARGEST_WINDOW} bytes, found {window}");
                self.error(key, problem);
            }
        }
        // There is one stream more than batches, for the call that must go through while all batches of the connection stall.
        let streams = grpc.max_batch_streams.saturating_add(1);
        let needed = streams.saturating_mul(grpc.http2.stream_window as usize);
        if needed > grpc.http2.connection_window as usize {
            let problem = format!(
                "expected at least {needed} bytes, found {}: grpc.max_batch_streams ({}) batches that stall, of \
                 grpc.stream_window_bytes ({}) each, would stop every other call of their connection",
                grpc.http2.connection_window, grpc.max_batch_streams, grpc.http2.stream_window
            );
            self.error("grpc.connection_window_bytes", problem);
        }
    }

    fn upstream(&mut self, upstream: &mut UpstreamSettings, file: &file::Upstream) {
        self.wait("upstream.connect_timeout", &mut upstream.connect_timeout, file.connect_timeout);
        self.wait("upstream.backoff_min", &mut upstream.backoff_min, file.backoff_min);
        self.wait("upstream.backoff_max", &mut upstream.backoff_max, file.backoff_max);
        self.positive("upstream.connect_patience", &mut upstream.connect_patience, file.connect_patience);
        self.breaker(&mut upstream.breaker, file);
        self.positive(
            "upstream.max_connections_per_peer",
            &mut upstream.max_connections_per_peer,
            file.max_connections_per_peer,
        );
        self.positive("upstream.max_connections", &mut upstream.max_connections, file.max_connections);
        self.positive("upstream.max_streams", &mut upstream.max_streams, file.max_streams);
        self.positive("upstream.max_waiters", &mut upstream.max_waiters, file.max_waiters);
        self.positive("upstream.max_peers", &mut upstream.max_peers, file.max_peers);
        self.positive(
            "upstream.max_stranger_peers",
            &mut upstream.max_stranger_peers,
            file.max_stranger_peers,
        );
        self.positive(
            "upstream.max_stranger_connections",
            &mut upstream.max_stranger_connections,
            file.max_stranger_connections,
        );
        self.positive(
            "upstream.max_stranger_lookups",
            &mut upstream.max_stranger_lookups,
            file.max_stranger_lookups,
        );
        self.wait("upstream.answer_timeout", &mut upstream.answer_timeout, file.answer_timeout);
        self.wait("upstream.ping_after", &mut upstream.ping_after, file.ping_after);
        self.wait("upstream.ping_timeout", &mut upstream.ping_timeout, file.ping_timeout);
        self.wait("upstream.probe_after", &mut upstream.probe_after, file.probe_after);
        self.wait("upstream.probe_timeout", &mut upstream.probe_timeout, file.probe_timeout);
        self.wait("upstream.idle_timeout", &mut upstream.idle_timeout, file.idle_timeout);
        self.wait("upstream.http1_idle_timeout", &mut upstream.http1_idle_timeout, file.http1_idle_timeout);
        self.wait("upstream.max_age", &mut upstream.max_age, file.max_age);
        self.positive("upstream.max_reply_bytes", &mut upstream.max_reply_bytes, file.max_reply_bytes);
        self.positive(
            "upstream.max_reply_header_bytes",
            &mut upstream.max_reply_header_bytes,
            file.max_reply_header_bytes,
        );
        if let Some(resends) = file.max_resends {
            upstream.max_resends = resends;
        }
        if upstream.backoff_min > upstream.backoff_max {
            let (min, max) = (upstream.backoff_min, upstream.backoff_max);
            self.error(
                "upstream.backoff_min",
                format!("expected at most upstream.backoff_max ({max:?}), found {min:?}"),
            );
        }
    }

    fn breaker(&mut self, breaker: &mut BreakerSettings, file: &file::Upstream) {
        self.positive("upstream.breaker_failures", &mut breaker.failures, file.breaker_failures);
        let percent = &mut breaker.error_percent;
        self.positive("upstream.breaker_error_percent", percent, file.breaker_error_percent);
        self.wait("upstream.breaker_wait", &mut breaker.wait, file.breaker_wait);
        self.wait("upstream.breaker_max_wait", &mut breaker.max_wait, file.breaker_max_wait);
        if breaker.error_percent > 100 {
            let found = breaker.error_percent;
            self.error("upstream.breaker_error_percent", format!("expected 1 to 100, found {found}"));
        }
        if breaker.wait > breaker.max_wait {
            let (wait, max) = (breaker.wait, breaker.max_wait);
            let problem = format!("expected at most upstream.breaker_max_wait ({max:?}), found {wait:?}");
            self.error("upstream.breaker_wait", problem);
        }
    }

    fn log(&mut self, log: &mut LogSettings, file: &file::Log) {
        match file.format {
            None | Some(file::LogFormat::Auto) => {}
            Some(file::LogFormat::Pretty) => log.format = LogFormat::Pretty,
            Some(file::LogFormat::Json) => log.format = LogFormat::Json,
        }
        let Some(filter) = &file.filter else { return };
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(filter) {
            let problem = format!("expected a filter such as info,fanfare=debug, found {filter:?}: {error}");
            self.error("log.filter", problem);
        }
        log.filter.clone_from(filter);
    }
}
