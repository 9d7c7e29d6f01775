//! What the tasks of one simulator share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::apns::Apns;
use super::certificate::{ALPN_H2, ALPN_HTTP1, Authority, ServerConfigs};
use super::clock::Clock;
use super::connections::Connections;
use super::counters::{Counters, LiveCounters};
use super::fcm::Google;
use super::journal::Journal;
use super::mattermost::PushProxy;
use super::rules::Rules;
use super::service::Service;
use super::sync::ChangeNotifier;
use super::webpush::PushServices;

/// Everything that listeners, connections, requests and the control API share.
pub(super) struct Shared {
    /// The flow-control window of a stream, in bytes.
    pub(super) stream_window: u32,
    pub(super) clock: Clock,
    pub(super) latency: Latency,
    pub(super) changes: Arc<ChangeNotifier>,
    pub(super) journal: Arc<Journal>,
    pub(super) counters: Arc<LiveCounters>,
    pub(super) connections: Connections,
    pub(super) rules: Rules,
    pub(super) authority: Authority,
    pub(super) tls: Tls,
    pub(super) apns: Arc<Apns>,
    pub(super) fcm: Arc<Google>,
    pub(super) mattermost: PushProxy,
    pub(super) web_push: PushServices,
    /// Ends every task when it is cancelled.
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// How long every answer takes, which a test may change at any time.
pub(super) struct Latency(AtomicU64);

impl Latency {
    pub(super) fn new(latency: Duration) -> Self {
        let own = Self(AtomicU64::new(0));
        own.set(latency);
        own
    }

    pub(super) fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn set(&self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos, Ordering::Relaxed);
    }
}

/// The certificates, by the versions of HTTP that a service speaks over TLS.
pub(super) struct Tls {
    http2: ServerConfigs,
    both: ServerConfigs,
    http1: ServerConfigs,
}

impl Tls {
    pub(super) fn new(configs: ServerConfigs) -> Self {
        let (both, http1) = (configs.speaking(&[ALPN_H2, ALPN_HTTP1]), configs.speaking(&[ALPN_HTTP1]));
        Self { http2: configs, both, http1 }
    }

    fn of(&self, service: Service, http2: bool) -> &ServerConfigs {
        match service {
            Service::Apns(_) => &self.http2,
            Service::Fcm | Service::WebPush if http2 => &self.both,
            Service::Fcm | Service::WebPush | Service::GoogleMetadata | Service::Mattermost => &self.http1,
        }
    }
}

impl Shared {
    /// Returns the certificates that the listener of a service presents.
    pub(super) fn server_configs(&self, service: Service) -> &ServerConfigs {
        let http2 = match service {
            Service::Apns(_) => true,
            Service::Fcm => self.fcm.speaks_http2(),
            Service::WebPush => self.web_push.speaks_http2(),
            Service::GoogleMetadata | Service::Mattermost => false,
        };
        self.tls.of(service, http2)
    }

    /// Returns the MAX_CONCURRENT_STREAMS of a service that does not make it depend on who the client is.
    pub(super) fn max_concurrent_streams(&self, service: Service) -> u32 {
        match service {
            Service::Apns(_) => self.apns.settings.max_concurrent_streams,
            Service::WebPush => self.web_push.max_concurrent_streams(),
            Service::Fcm | Service::GoogleMetadata | Service::Mattermost => self.fcm.max_concurrent_streams(),
        }
    }

    /// Reads all counters, of connections and of requests.
    pub(super) fn read_counters(&self) -> Counters {
        Counters {
            requests_arrived: self.journal.arrived(),
            requests_read: self.journal.read(),
            requests_answered: self.journal.answered(),
            ..self.counters.snapshot()
        }
    }
}
