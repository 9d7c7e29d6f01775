//! What every task of one simulator shares.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::apns::{Channels, Fates, Keys};
use super::certificate::{ALPN_H2, ALPN_HTTP1, Authority, ServerConfigs};
use super::clock::Clock;
use super::connection::{self, StrikeError};
use super::counters::{ConnectionInfo, Counters, Tally};
use super::fault::Fault;
use super::fcm::Google;
use super::filter::Wire;
use super::http1::{self, Line};
use super::journal::Journal;
use super::mattermost::Proxy;
use super::rules::Rules;
use super::service::Service;
use super::settings::Settings;
use super::sync::{Bell, lock};
use super::webpush::PushServices;

pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) bell: Arc<Bell>,
    pub(super) journal: Arc<Journal>,
    pub(super) tally: Arc<Tally>,
    pub(super) rules: Rules,
    pub(super) authority: Authority,
    pub(super) tls: Tls,
    pub(super) fcm: Google,
    pub(super) mattermost: Proxy,
    pub(super) web_push: PushServices,
    pub(super) keys: Keys,
    pub(super) fates: Fates,
    pub(super) channels: Channels,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    latency_ns: AtomicU64,
    connections: AtomicU64,
    live: Mutex<HashMap<u64, Arc<Wire>>>,
    lines: Mutex<HashMap<u64, Arc<Line>>>,
}

/// The certificates, by what the services speak over TLS.
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

/// The parts of a [`World`] that differ between simulators.
pub(super) struct Parts {
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) bell: Arc<Bell>,
    pub(super) journal: Arc<Journal>,
    pub(super) rules: Rules,
    pub(super) authority: Authority,
    pub(super) tls: Tls,
    pub(super) fcm: Google,
    pub(super) mattermost: Proxy,
    pub(super) web_push: PushServices,
    pub(super) keys: Keys,
    pub(super) latency: Duration,
}

impl World {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            settings,
            clock,
            bell,
            journal,
            rules,
            authority,
            tls,
            fcm,
            mattermost,
            web_push,
            keys,
            latency,
        } = parts;
        let world = Self {
            settings,
            clock,
            tally: Arc::new(Tally::new(Arc::clone(&bell))),
            bell,
            journal,
            rules,
            authority,
            tls,
            fcm,
            mattermost,
            web_push,
            keys,
            fates: Fates::default(),
            channels: Channels::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            latency_ns: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            live: Mutex::default(),
            lines: Mutex::default(),
        };
        world.set_latency(latency);
        world
    }

    /// What the listener of a service presents in TLS.
    pub(super) fn server_configs(&self, service: Service) -> &ServerConfigs {
        let http2 = match service {
            Service::Apns(_) => true,
            Service::Fcm => self.fcm.speaks_http2(),
            Service::WebPush => self.web_push.speaks_http2(),
            Service::GoogleMetadata | Service::Mattermost => false,
        };
        self.tls.of(service, http2)
    }

    /// MAX_CONCURRENT_STREAMS of a service that knows no trust.
    pub(super) fn max_concurrent_streams(&self, service: Service) -> u32 {
        match service {
            Service::Apns(_) => self.settings.max_concurrent_streams,
            Service::WebPush => self.web_push.max_concurrent_streams(),
            Service::Fcm | Service::GoogleMetadata | Service::Mattermost => self.fcm.max_concurrent_streams(),
        }
    }

    pub(super) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(super) fn latency(&self) -> Duration {
        Duration::from_nanos(self.latency_ns.load(Ordering::Relaxed))
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latency_ns.store(nanos, Ordering::Relaxed);
    }

    pub(super) fn enter(&self, wire: &Arc<Wire>) {
        lock(&self.live).insert(wire.id, Arc::clone(wire));
        self.bell.ring();
    }

    pub(super) fn leave(&self, wire: &Wire) {
        lock(&self.live).remove(&wire.id);
        self.tally.bury(wire.info(false));
        self.bell.ring();
    }

    /// The same for a connection that speaks HTTP/1.1.
    pub(super) fn join(&self, line: &Arc<Line>) {
        lock(&self.lines).insert(line.id, Arc::clone(line));
        self.bell.ring();
    }

    pub(super) fn part(&self, line: &Line) {
        lock(&self.lines).remove(&line.id);
        self.tally.bury(line.info(false));
        self.bell.ring();
    }

    /// What happened.
    pub(super) fn counters(&self) -> Counters {
        Counters {
            requests_arrived: self.journal.arrived(),
            requests_read: self.journal.read(),
            requests_answered: self.journal.answered(),
            ..self.tally.read()
        }
    }

    /// The connections that are open now, by number.
    pub(super) fn open_connections(&self) -> Vec<ConnectionInfo> {
        let http2 = self.wires().into_iter().map(|wire| wire.info(true));
        let mut all: Vec<_> = http2.chain(self.lines().into_iter().map(|line| line.info(true))).collect();
        all.sort_unstable_by_key(|info| info.id);
        all
    }

    /// Does `fault` to an open connection, now.
    pub(super) fn strike(self: &Arc<Self>, id: u64, fault: &Fault) -> Result<(), StrikeError> {
        let struck = match self.line(id) {
            Some(line) => http1::strike(&line, fault),
            None => {
                let wire = self.wire(id).ok_or(StrikeError::NotOpen(id))?;
                connection::strike(self, &wire, None, fault)
            }
        };
        if struck { Ok(()) } else { Err(StrikeError::NotForConnections) }
    }

    pub(super) fn line(&self, id: u64) -> Option<Arc<Line>> {
        lock(&self.lines).get(&id).cloned()
    }

    pub(super) fn lines(&self) -> Vec<Arc<Line>> {
        lock(&self.lines).values().cloned().collect()
    }

    pub(super) fn wire(&self, id: u64) -> Option<Arc<Wire>> {
        lock(&self.live).get(&id).cloned()
    }

    pub(super) fn wires(&self) -> Vec<Arc<Wire>> {
        let mut wires: Vec<_> = lock(&self.live).values().cloned().collect();
        wires.sort_unstable_by_key(|wire| wire.id);
        wires
    }
}
