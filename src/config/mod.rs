//! The configuration: read in two steps, from what the file may say to what the modules need, checked whole.
//!
//! Everything that is wrong is said at once. What exists is valid, and does not change.

mod apps;
mod error;
mod file;
mod lines;
mod named;
mod resolve;

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;

pub use error::{ConfigError, ConfigErrors};

use crate::credential::google::Source;
use crate::dispatch::DispatchSettings;
use crate::files::Content;
use crate::ingress::admin::AdminSettings;
use crate::ingress::grpc::GrpcSettings;
use crate::provider::apns::Apns;
use crate::provider::fcm::Fcm;
use crate::provider::mattermost::Mattermost;
use crate::provider::webpush::WebPush;
use crate::push::AppId;
use crate::telemetry::LogSettings;
use crate::upstream::tls::ClientIdentity;
use crate::upstream::{Http, Origin, Proxies, UpstreamSettings};
use lines::Lines;

/// A checked configuration.
pub struct Config {
    /// The gRPC listener.
    pub grpc: GrpcSettings,
    /// The admin listener.
    pub admin: AdminSettings,
    /// Pushes in flight.
    pub max_in_flight: usize,
    /// How long a shutdown waits for the pushes in flight.
    pub drain_timeout: Duration,
    /// Attempts.
    pub dispatch: DispatchSettings,
    /// The pool.
    pub upstream: UpstreamSettings,
    /// PEM files of certificate authorities beside the operating system's, for every upstream.
    pub extra_roots: Vec<Vec<u8>>,
    /// The same, for APNs alone.
    pub apns_extra_roots: Vec<Vec<u8>>,
    /// APNs for App Store and TestFlight builds.
    pub apns_production: Origin,
    /// APNs for development builds.
    pub apns_sandbox: Origin,
    /// FCM.
    pub fcm: FcmUpstream,
    /// The push services of browsers.
    pub web_push: WebPushUpstreams,
    /// Through which proxy upstreams are reached, where an app names none of its own.
    pub proxy: Option<Proxies>,
    /// What is logged, and how.
    pub log: LogSettings,
    /// The apps.
    pub apps: Vec<AppConfig>,
    /// What is unwise and not wrong, such as a private key that every user of the machine may read.
    pub warnings: Vec<ConfigError>,
}

/// Where FCM is.
pub struct FcmUpstream {
    /// FCM itself.
    pub origin: Origin,
    /// The metadata server of a machine at Google.
    pub metadata: Origin,
    /// PEM files of certificate authorities, for FCM and its token endpoint alone.
    pub extra_roots: Vec<Vec<u8>>,
}

/// What the push services of browsers have in common; where they are is said by each subscription.
pub struct WebPushUpstreams {
    /// PEM files of certificate authorities, for them alone.
    pub extra_roots: Vec<Vec<u8>>,
    /// Origins whose VAPID tokens are kept, for each key.
    pub max_origins: usize,
}

/// One app.
pub struct AppConfig {
    /// Its name.
    pub id: AppId,
    /// The time to live of its pushes that name none.
    pub default_ttl: Option<Duration>,
    /// How it speaks to APNs.
    pub apns: Option<ApnsConfig>,
    /// How it speaks to FCM.
    pub fcm: Option<FcmConfig>,
    /// How it speaks to a Mattermost push proxy.
    pub mattermost: Option<MattermostConfig>,
    /// How it speaks to the push services of browsers.
    pub web_push: Option<WebPushConfig>,
    /// Through which proxy its upstreams are reached.
    pub proxy: Option<Proxies>,
}

impl AppConfig {
    /// An app that speaks to nobody yet.
    #[must_use]
    pub fn new(id: AppId) -> Self {
        Self { id, default_ttl: None, apns: None, fcm: None, mattermost: None, web_push: None, proxy: None }
    }
}

/// How one app speaks to FCM.
pub struct FcmConfig {
    /// In which words.
    pub provider: Fcm,
    /// As whom.
    pub credential: Source,
    /// Who it is in TLS, to FCM's mTLS host.
    pub certificate: Option<ClientIdentity>,
}

/// How one app speaks to a Mattermost push proxy.
pub struct MattermostConfig {
    /// In which words.
    pub provider: Mattermost,
    /// Where it is.
    pub origin: Origin,
    /// Which HTTP it speaks.
    pub http: Http,
    /// PEM files of certificate authorities, for it alone.
    pub extra_roots: Vec<Vec<u8>>,
}

/// How one app speaks to the push services of browsers.
pub struct WebPushConfig {
    /// In which words.
    pub provider: WebPush,
    /// As whom: a private key as [`VapidKey::parse`](crate::credential::vapid::VapidKey::parse) reads it.
    pub key: SecretString,
    /// Whom a push service may turn to: a `mailto:` or `https:` URL.
    pub subject: String,
    /// Endpoints whose names lead to addresses that are not public are connected to as well.
    pub private_addresses: bool,
    /// Which HTTP they speak.
    pub http: Http,
}

/// How one app speaks to APNs.
pub struct ApnsConfig {
    /// In which words.
    pub provider: Apns,
    /// As whom.
    pub credential: ApnsCredential,
}

/// As whom an app speaks to APNs.
pub enum ApnsCredential {
    /// With a provider token, signed by a key of a team.
    Token {
        /// The key, as PEM.
        key: SecretString,
        /// The key's id.
        key_id: String,
        /// The team's id.
        team_id: String,
    },
    /// With a certificate in TLS.
    Certificate(ClientIdentity),
}

impl Config {
    /// Every default but the ports: both listeners on free ports of loopback. For demos and tests.
    #[must_use]
    pub fn on_loopback(apps: Vec<AppConfig>) -> Self {
        let mut config = resolve::defaults(apps);
        config.grpc.listen.set_port(0);
        config.admin.listen.set_port(0);
        config
    }

    /// Reads a configuration and every file that it names.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let one = |line, key: String, problem| {
            ConfigErrors(vec![ConfigError { file: path.to_owned(), line, key, problem }])
        };
        let text = Content::read(path)
            .and_then(Content::into_text)
            .map_err(|error| one(None, String::new(), error.to_string()))?;
        let lines = Lines::of(&text);
        let line = |span: Option<Range<usize>>| lines.at(span?.start);
        let document = toml::Deserializer::parse(&text).map_err(|error| {
            // Only the message: the Debug form of this error holds the whole file.
            one(line(error.span()), String::new(), error.message().to_owned())
        })?;
        let file: file::File = serde_path_to_error::deserialize(document).map_err(|error| {
            let key = match error.path().to_string() {
                path if path == "." => String::new(),
                path => path,
            };
            one(line(error.inner().span()), key, error.inner().message().to_owned())
        })?;
        resolve::resolve(path, &lines, file)
    }
}
