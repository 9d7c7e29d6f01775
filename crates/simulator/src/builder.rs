//! Sets a simulator up and starts it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::apns::{Apns, ApnsSettings, KeyScope, Keys, LimitRises, ProviderKeySpec, StoragePolicy};
use super::certificate::Authority;
use super::clock::Clock;
use super::connections::Connections;
use super::control;
use super::counters::LiveCounters;
use super::error::SimulatorError;
use super::fcm::{FcmSettings, Google};
use super::journal::{Journal, JournalBounds};
use super::listener::{Listener, ListenerSpec};
use super::mattermost::{MattermostSettings, PushProxy};
use super::origin::origin;
use super::rules::Rules;
use super::service::{Environment, Service};
use super::shared::{Latency, Shared, Tls};
use super::simulator::Simulator;
use super::sync::ChangeNotifier;
use super::webpush::{PushServices, WebPushSettings};

/// The bundle id that pushes may go to if the test names none.
const DEFAULT_BUNDLE_ID: &str = "com.example.app";

/// The flow-control window that HTTP/2 starts with, and its largest, in bytes. Source: RFC 9113, 6.9.
const DEFAULT_WINDOW: u32 = 65_535;
const MAX_WINDOW: u32 = (1 << 31) - 1;

/// The team of the default provider key.
const DEFAULT_TEAM: &str = "TEAM000001";

/// The settings of a [`Simulator`]. Each has a default, so `Simulator::builder().start()` is enough.
#[derive(Clone, Debug)]
pub struct SimulatorBuilder {
    apns: ApnsSettings,
    stream_window: u32,
    latency: Duration,
    names: Vec<String>,
    production: SocketAddr,
    sandbox: SocketAddr,
    seed: u64,
    bounds: JournalBounds,
    fcm: FcmSettings,
    mattermost: MattermostSettings,
    web_push: WebPushSettings,
    control: Option<SocketAddr>,
    channels: Vec<(String, String, StoragePolicy)>,
}

impl Default for SimulatorBuilder {
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            apns: ApnsSettings {
                bundle_ids: vec![DEFAULT_BUNDLE_ID.to_owned()],
                max_concurrent_streams: 1000,
                limit_rises: LimitRises::default(),
                bad_tokens_allowed: None,
            },
            stream_window: DEFAULT_WINDOW,
            latency: Duration::ZERO,
            names: Vec::new(),
            production: any_port,
            sandbox: any_port,
            seed: 0,
            bounds: JournalBounds { entries: 1_000_000, headers: 10_000, bodies: 0 },
            fcm: FcmSettings::default(),
            mattermost: MattermostSettings::default(),
            web_push: WebPushSettings::default(),
            control: None,
            channels: Vec::new(),
        }
    }
}

impl Simulator {
    /// Returns the settings of a new simulator, which [`SimulatorBuilder::start`] starts.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }
}

impl SimulatorBuilder {
    /// Sets the MAX_CONCURRENT_STREAMS that APNs grants after the first good provider token, and to connections with a
    /// client certificate at once. The default is 1,000, which is commonly quoted; Apple publishes no number.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.apns.max_concurrent_streams = streams;
        self
    }

    /// Sets when a connection to APNs is granted these streams. The default is after its first good answer.
    pub fn limit_rises(mut self, when: LimitRises) -> Self {
        self.apns.limit_rises = when;
        self
    }

    /// Sets how long every answer takes. By default answers are not delayed.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Sets the bundle ids that belong to the team. The default is `com.example.app`.
    pub fn bundle_ids<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.apns.bundle_ids = ids.into_iter().map(Into::into).collect();
        self
    }

    /// Sets names or addresses that the server certificate carries beside `localhost`, `127.0.0.1` and `::1`.
    pub fn names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the address of the production environment of APNs. The default is a free port of 127.0.0.1.
    pub fn production_listen(mut self, address: SocketAddr) -> Self {
        self.production = address;
        self
    }

    /// Sets the address of the sandbox environment of APNs. The default is a free port of 127.0.0.1.
    pub fn sandbox_listen(mut self, address: SocketAddr) -> Self {
        self.sandbox = address;
        self
    }

    /// Sets up FCM, Google's token endpoint and its metadata server.
    pub fn fcm(mut self, settings: FcmSettings) -> Self {
        self.fcm = settings;
        self
    }

    /// Sets up the Mattermost push proxy.
    pub fn mattermost(mut self, settings: MattermostSettings) -> Self {
        self.mattermost = settings;
        self
    }

    /// Sets up the push services of browsers.
    pub fn web_push(mut self, settings: WebPushSettings) -> Self {
        self.web_push = settings;
        self
    }

    /// Sets the address of the control API. By default there is none.
    pub fn control_listen(mut self, address: SocketAddr) -> Self {
        self.control = Some(address);
        self
    }

    /// Adds a broadcast channel that exists from the start.
    pub fn channel(mut self, bundle_id: &str, channel_id: &str, policy: StoragePolicy) -> Self {
        self.channels.push((bundle_id.to_owned(), channel_id.to_owned(), policy));
        self
    }

    /// Sets the seed from which [`Trigger::Probability`](crate::Trigger::Probability) draws. The default is 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the flow-control window of a stream, in bytes. HTTP/2 allows at most 2^31-1. A tiny window makes clients
    /// cut a body into many DATA frames. The default is 65,535, as APNs was seen to send.
    pub fn initial_window_size(mut self, bytes: u32) -> Self {
        self.stream_window = bytes.min(MAX_WINDOW);
        self
    }

    /// Sets how many BadDeviceToken answers a connection may get before it is closed with GOAWAY, as APNs closes it on
    /// a sender who gets many. By default there is no limit.
    pub fn bad_tokens_allowed(mut self, answers: u32) -> Self {
        self.apns.bad_tokens_allowed = Some(answers);
        self
    }

    /// Sets how many requests the journal records. It keeps the newest, and counts those that it drops; 0 turns
    /// recording and hashing off. The default is 1,000,000.
    pub fn journal_capacity(mut self, entries: usize) -> Self {
        self.bounds.entries = entries;
        self
    }

    /// Sets how many of the newest recorded requests keep their headers. The default is 10,000.
    pub fn keep_headers(mut self, entries: usize) -> Self {
        self.bounds.headers = entries;
        self
    }

    /// Sets how many of the newest recorded requests keep their bodies. By default none does.
    pub fn keep_bodies(mut self, entries: usize) -> Self {
        self.bounds.bodies = entries;
        self
    }

    /// Makes the certificates and the default provider key, and listens.
    ///
    /// # Errors
    ///
    /// It fails when an address is taken, or when a name cannot be put into a certificate.
    pub async fn start(self) -> Result<Simulator, SimulatorError> {
        let clock = Clock::default();
        let changes = Arc::new(ChangeNotifier::default());
        let counters = Arc::new(LiveCounters::new(Arc::clone(&changes)));
        let authority = Authority::new()?;
        let keys = Keys::default();
        let team =
            ProviderKeySpec { team_id: DEFAULT_TEAM.to_owned(), environment: None, scope: KeyScope::Team };
        let provider_key = keys.add(team)?;
        let apns = Arc::new(Apns::new(self.apns, keys, clock.clone(), Arc::clone(&counters)));
        let fcm = Arc::new(Google::new(self.fcm.clone(), clock.clone(), Arc::clone(&counters)));
        let (of_apns, of_fcm) = (Arc::clone(&apns), Arc::clone(&fcm));
        let shared = Arc::new(Shared {
            stream_window: self.stream_window,
            latency: Latency::new(self.latency),
            journal: Arc::new(Journal::new(self.bounds, Arc::clone(&changes))),
            connections: Connections::new(Arc::clone(&changes)),
            rules: Rules::new(self.seed),
            tls: Tls::new(authority.server_configs(&self.names)?),
            authority,
            mattermost: PushProxy::new(self.mattermost.clone(), clock.clone(), of_apns, of_fcm),
            web_push: PushServices::new(self.web_push.clone(), clock.clone(), Arc::clone(&counters)),
            apns,
            fcm,
            clock,
            changes,
            counters,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let stopping = shared.stop.clone().drop_guard();
        let listen =
            |service, secure, address| Listener::start(&shared, ListenerSpec { service, secure }, address);
        let production = listen(Service::Apns(Environment::Production), true, self.production).await?;
        let sandbox = listen(Service::Apns(Environment::Sandbox), true, self.sandbox).await?;
        let fcm = listen(Service::Fcm, true, self.fcm.listen).await?;
        let metadata = listen(Service::GoogleMetadata, false, self.fcm.metadata_listen).await?;
        let mattermost = listen(Service::Mattermost, false, self.mattermost.listen).await?;
        let mattermost_tls = listen(Service::Mattermost, true, self.mattermost.tls_listen).await?;
        let web_push = listen(Service::WebPush, true, self.web_push.listen).await?;
        shared.fcm.listens_at(fcm.address);
        for (bundle_id, channel_id, policy) in &self.channels {
            shared.apns.channels.add(bundle_id, channel_id, *policy);
        }
        let control = match self.control {
            Some(address) => Some(control::start(&shared, address, origin(web_push.address)).await?),
            None => None,
        };
        // If one of them had failed, the guard would have stopped those before it.
        stopping.disarm();
        Ok(Simulator {
            shared,
            production,
            sandbox,
            fcm,
            metadata,
            mattermost,
            mattermost_tls,
            web_push,
            provider_key,
            control,
        })
    }
}
