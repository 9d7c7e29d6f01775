//! The configuration. It is read in two steps, from what the file may say (`file.rs`) to what the modules need (`reader`),
//! and everything that is wrong is said at once.
//!
//! Keys, certificates and roots are parsed here and nowhere else: a [`Config`] holds values that can be used, so nothing
//! that an operator wrote can fail later.

mod apps;
mod defaults;
mod error;
mod file;
mod lines;
mod reader;
mod trust;

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

pub use apps::{ApnsConfig, ApnsCredential, AppConfig, FcmConfig, MattermostConfig, WebPushConfig};
pub use error::{ConfigError, ConfigErrors};
pub use trust::{ClientCertificate, Trust};

use crate::dispatch::DispatchSettings;
use crate::files::FileContent;
use crate::ingress::admin::AdminSettings;
use crate::ingress::grpc::GrpcSettings;
use crate::telemetry::LogSettings;
use fanfare_upstream::{Origin, Proxies, UpstreamSettings};
use lines::Lines;

/// A checked configuration.
pub struct Config {
    /// Settings of the gRPC listener.
    pub grpc: GrpcSettings,
    /// Settings of the admin listener.
    pub admin: AdminSettings,
    /// How many pushes may be in flight.
    pub max_in_flight: usize,
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
    /// The apps that callers may push for.
    pub apps: Vec<AppConfig>,
    /// What is unwise but not wrong, such as a private key that every user of the machine may read.
    pub warnings: Vec<ConfigError>,
}

/// Where FCM is, and how it is verified.
pub struct FcmUpstream {
    /// Where FCM itself is.
    pub origin: Origin,
    /// Where the metadata server of a machine at Google is.
    pub metadata: Origin,
    /// The roots by which FCM and its token endpoint are verified.
    pub trust: Trust,
}

/// What the push services of browsers have in common. Each subscription says where its own is.
pub struct WebPushUpstreams {
    /// The roots by which they are verified.
    pub trust: Trust,
    /// How many origins' VAPID tokens are kept for each key.
    pub max_origins: usize,
}

impl Config {
    /// Makes a configuration of defaults, with both listeners on free ports of loopback, for demos and tests. Every
    /// upstream is verified by `trust`.
    #[must_use]
    pub fn on_loopback(apps: Vec<AppConfig>, trust: Trust) -> Self {
        let mut config = defaults::config(apps, trust);
        config.grpc.listen.set_port(0);
        config.admin.listen.set_port(0);
        config
    }

    /// Reads a configuration and every file that it names.
    ///
    /// # Errors
    /// Fails with everything that is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let one = |line, key: String, problem| {
            ConfigErrors(vec![ConfigError { file: path.to_owned(), line, key, problem }])
        };
        let text = FileContent::read(path)
            .and_then(FileContent::into_text)
            .map_err(|error| one(None, String::new(), error.to_string()))?;
        let lines = Lines::of(&text);
        let line = |span: Option<Range<usize>>| lines.at(span?.start);
        let document = toml::Deserializer::parse(&text).map_err(|error| {
            // Only the message is repeated: the Debug form of this error holds the whole file.
            one(line(error.span()), String::new(), error.message().to_owned())
        })?;
        let file: file::File = serde_path_to_error::deserialize(document).map_err(|error| {
            let key = match error.path().to_string() {
                path if path == "." => String::new(),
                path => path,
            };
            one(line(error.inner().span()), key, error.inner().message().to_owned())
        })?;
        let system = Trust::of_system().map_err(|error| one(None, String::new(), error.to_string()))?;
        reader::read(path, &lines, file, &system)
    }
}
