//! How a simulator is set up.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::apns::{KeyScope, Keys, ProviderKeySpec, StoragePolicy};
use super::certificate::Authority;
use super::clock::Clock;
use super::fcm::{FcmSettings, Google};
use super::journal::{Bounds, Journal};
use super::listener::{Listener, Stand, origin};
use super::mattermost::{MattermostSettings, Proxy};
use super::rules::Rules;
use super::settings::{LimitRises, Settings};
use super::sync::Bell;
use super::webpush::{PushServices, WebPushSettings};
use super::world::{Parts, Tls, World};
use super::{Environment, Service, Simulator, control};

/// The bundle id that pushes may go to if none is named.
const DEFAULT_BUNDLE_ID: &str = "com.example.app";

/// The window that HTTP/2 starts with, and its largest, in bytes. Source: RFC 9113, 6.9.
const DEFAULT_WINDOW: u32 = 65_535;
const MAX_WINDOW: u32 = (1 << 31) - 1;

/// The team of the default provider key.
const DEFAULT_TEAM: &str = "TEAM000001";

/// Why a simulator did not start, or could not make a key or certificate.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// A certificate or key could not be made, which an invalid name can cause.
    #[error("cannot make a certificate or key")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused a certificate.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The TLS library refused the CA of the clients.
    #[error("cannot set up the check of client certificates")]
    ClientVerifier(#[from] rustls::server::VerifierBuilderError),
    /// A provider token could not be signed.
    #[error("cannot sign a provider token")]
    Sign(#[from] jsonwebtoken::errors::Error),
    /// The keys of a subscription could not be made.
    #[error("cannot make the keys of a subscription")]
    Subscription(#[from] aws_lc_rs::error::Unspecified),
}

/// Settings of a [`Simulator`]; each has a default.
#[derive(Clone, Debug)]
pub struct SimulatorBuilder {
    settings: Settings,
    latency: Duration,
    names: Vec<String>,
    production: SocketAddr,
    sandbox: SocketAddr,
    seed: u64,
    bounds: Bounds,
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
            settings: Settings {
                max_concurrent_streams: 1000,
                initial_window_size: DEFAULT_WINDOW,
                connection_window_size: DEFAULT_WINDOW,
                bundle_ids: vec![DEFAULT_BUNDLE_ID.to_owned()],
                limit_rises: LimitRises::default(),
                bad_tokens_allowed: None,
            },
            latency: Duration::ZERO,
            names: Vec::new(),
            production: any_port,
            sandbox: any_port,
            seed: 0,
            bounds: Bounds { entries: 1_000_000, headers: 10_000, bodies: 0 },
            fcm: FcmSettings::default(),
            mattermost: MattermostSettings::default(),
            web_push: WebPushSettings::default(),
            control: None,
            channels: Vec::new(),
        }
    }
}

impl SimulatorBuilder {
    /// MAX_CONCURRENT_STREAMS after the first good provider token, and of connections with a
    /// client certificate. Default 1,000, a number commonly quoted; Apple publishes none.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.settings.max_concurrent_streams = streams;
        self
    }

    /// When a connection to APNs may have as many. Default: after its first good answer.
    pub fn limit_rises(mut self, when: LimitRises) -> Self {
        self.settings.limit_rises = when;
        self
    }

    /// How long every answer takes. Default: none.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// The bundle ids that belong to the team. Default `com.example.app`.
    pub fn bundle_ids<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.settings.bundle_ids = ids.into_iter().map(Into::into).collect();
        self
    }

    /// Names in the server certificate beside `localhost`, `127.0.0.1` and `::1`.
    pub fn names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Where production listens. Default: a free port of 127.0.0.1.
    pub fn production_listen(mut self, address: SocketAddr) -> Self {
        self.production = address;
        self
    }

    /// Where the sandbox listens. Default: a free port of 127.0.0.1.
    pub fn sandbox_listen(mut self, address: SocketAddr) -> Self {
        self.sandbox = address;
        self
    }

    /// FCM, Google's token endpoint and its metadata server.
    pub fn fcm(mut self, settings: FcmSettings) -> Self {
        self.fcm = settings;
        self
    }

    /// The Mattermost push proxy.
    pub fn mattermost(mut self, settings: MattermostSettings) -> Self {
        self.mattermost = settings;
        self
    }

    /// The push services of browsers.
    pub fn web_push(mut self, settings: WebPushSettings) -> Self {
        self.web_push = settings;
        self
    }

    /// Where the control API listens. Default: nowhere.
    pub fn control_listen(mut self, address: SocketAddr) -> Self {
        self.control = Some(address);
        self
    }

    /// A broadcast channel that is there from the start.
    pub fn channel(mut self, bundle_id: &str, channel_id: &str, policy: StoragePolicy) -> Self {
        self.channels.push((bundle_id.to_owned(), channel_id.to_owned(), policy));
        self
    }

    /// Seed of [`Trigger::Probability`](super::Trigger::Probability). Default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The flow-control window of a stream, in bytes; HTTP/2 has no larger one than 2^31-1. A tiny
    /// one cuts bodies into many DATA frames. Default 65,535, as APNs was seen to send.
    pub fn initial_window_size(mut self, bytes: u32) -> Self {
        self.settings.initial_window_size = bytes.min(MAX_WINDOW);
        self
    }

    /// The flow-control window of a connection, in bytes, from 65,535, which is HTTP/2's own and
    /// the default, to 2^31-1.
    pub fn connection_window_size(mut self, bytes: u32) -> Self {
        self.settings.connection_window_size = bytes.clamp(DEFAULT_WINDOW, MAX_WINDOW);
        self
    }

    /// How many BadDeviceToken answers a connection may get before it is closed with GOAWAY, as
    /// APNs does to a sender of many. Default: any number.
    pub fn bad_tokens_allowed(mut self, answers: u32) -> Self {
        self.settings.bad_tokens_allowed = Some(answers);
        self
    }

    /// Requests that the journal records, the newest; 0 turns it and its hashing off. Those that it drops are
    /// counted. Default 1,000,000.
    pub fn journal_capacity(mut self, entries: usize) -> Self {
        self.bounds.entries = entries;
        self
    }

    /// Recorded requests that keep their headers, the newest so many. Default 10,000.
    pub fn keep_headers(mut self, entries: usize) -> Self {
        self.bounds.headers = entries;
        self
    }

    /// Recorded requests that keep their body, the newest so many. Default none.
    pub fn keep_bodies(mut self, entries: usize) -> Self {
        self.bounds.bodies = entries;
        self
    }

    /// Makes the certificates and the default provider key, and listens.
    ///
    /// # Errors
    /// When an address is taken or a name cannot be put into a certificate.
    pub async fn start(self) -> Result<Simulator, SimulatorError> {
        let bell = Arc::new(Bell::default());
        let authority = Authority::new()?;
        let keys = Keys::default();
        let team =
            ProviderKeySpec { team_id: DEFAULT_TEAM.to_owned(), environment: None, scope: KeyScope::Team };
        let provider_key = keys.add(team)?;
        let world = Arc::new(World::new(Parts {
            settings: self.settings,
            clock: Clock::default(),
            journal: Arc::new(Journal::new(self.bounds, Arc::clone(&bell))),
            bell,
            rules: Rules::new(self.seed),
            tls: Tls::new(authority.server_configs(&self.names)?),
            authority,
            keys,
            fcm: Google::new(self.fcm.clone()),
            mattermost: Proxy::new(self.mattermost.clone()),
            web_push: PushServices::new(self.web_push.clone()),
            latency: self.latency,
        }));
        let stopping = world.stop.clone().drop_guard();
        let stand = |service, secure, address| Listener::start(&world, Stand { service, secure }, address);
        let production = stand(Service::Apns(Environment::Production), true, self.production).await?;
        let sandbox = stand(Service::Apns(Environment::Sandbox), true, self.sandbox).await?;
        let fcm = stand(Service::Fcm, true, self.fcm.listen).await?;
        let metadata = stand(Service::GoogleMetadata, false, self.fcm.metadata_listen).await?;
        let mattermost = stand(Service::Mattermost, false, self.mattermost.listen).await?;
        let mattermost_tls = stand(Service::Mattermost, true, self.mattermost.tls_listen).await?;
        let web_push = stand(Service::WebPush, true, self.web_push.listen).await?;
        world.fcm.listens_at(fcm.address);
        for (bundle_id, channel_id, policy) in &self.channels {
            world.channels.add(bundle_id, channel_id, *policy);
        }
        let control = match self.control {
            Some(address) => Some(control::start(&world, address, origin(web_push.address)).await?),
            None => None,
        };
        // Had one failed, the guard would have stopped those before it.
        stopping.disarm();
        Ok(Simulator {
            world,
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
