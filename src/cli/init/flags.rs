//! The flags of `fanfare init`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Writes a first configuration, from the keys that you have.
///
/// On a terminal it asks for what no flag says; elsewhere it fails and names the flag. Keys stay where they are, and the
/// configuration names them by their paths. It is read as `fanfare check` reads it before it is written, so what is written is
/// good. Nothing is sent to anybody.
///
/// --from takes the key files of push services, and finds out by their content what they are: the JSON of a Firebase service
/// account or of a user of Google, and a VAPID key as PEM or as npm web-push prints it, with --json or without. Apple's keys and VAPID keys in PEM look
/// alike, so a file whose name begins with AuthKey_ or ends with .p8 is Apple's, and any other is a VAPID key.
///
/// Exit code 0: the configuration was written; 2: it was not, and neither was any key.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fanfare init
  fanfare init --app shop --from AuthKey_ABC123DEFG.p8 --team-id DEF123GHIJ --topic com.example.shop --environment production
  fanfare init --app shop --from service-account.json --to /etc/fanfare/fanfare.toml
  fanfare init --app web --new-vapid-key vapid.pem --subject mailto:push@example.com
  fanfare init --app shop --from service-account.json --listen 0.0.0.0:50051 --tls-certificate gateway.pem \\
    --tls-private-key gateway.key --caller orders")]
pub(in crate::cli) struct Init {
    /// The key file of a push service. May be repeated, once for each push service.
    #[arg(long, value_name = "FILE")]
    pub(super) from: Vec<PathBuf>,
    /// The configuration to write; `-` for standard output. An existing file is not overwritten without --force.
    #[arg(long, value_name = "FILE", default_value = "fanfare.toml")]
    pub(super) to: PathBuf,
    /// Overwrite an existing configuration. Keys are never overwritten.
    #[arg(long)]
    pub(super) force: bool,
    /// Copy the key files beside the configuration, for their owner alone, and name the copies.
    #[arg(long)]
    pub(super) copy: bool,
    /// The name by which callers push for the app.
    #[arg(long, value_name = "NAME")]
    pub(super) app: Option<String>,
    /// The id of Apple's key, which its file name has.
    #[arg(long, value_name = "ID")]
    pub(super) key_id: Option<String>,
    /// The id of the developer team at Apple.
    #[arg(long, value_name = "ID")]
    pub(super) team_id: Option<String>,
    /// A bundle id of the app at Apple. May be repeated; the first one is the default.
    #[arg(long = "topic", value_name = "BUNDLE_ID")]
    pub(super) topics: Vec<String>,
    /// Which device tokens the app has at Apple: those of builds from Xcode are of the sandbox.
    #[arg(long)]
    pub(super) environment: Option<Environment>,
    /// The Firebase project, where it is not that of the key.
    #[arg(long, value_name = "ID")]
    pub(super) project: Option<String>,
    /// Make a VAPID key and write it to this file, which must not be there yet.
    #[arg(long, value_name = "FILE")]
    pub(super) new_vapid_key: Option<PathBuf>,
    /// The contact for push services of browsers, such as mailto:push@example.com.
    #[arg(long, value_name = "URL")]
    pub(super) subject: Option<String>,
    /// The URL of a Mattermost push proxy to send to.
    #[arg(long, value_name = "URL")]
    pub(super) mattermost: Option<String>,
    /// The id of the Mattermost server, for pushes that name none.
    #[arg(long, value_name = "ID", requires = "mattermost")]
    pub(super) server_id: Option<String>,
    /// The address at which callers connect.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051", value_parser = address)]
    pub(super) listen: SocketAddr,
    /// The certificate of that listener, as PEM. Off loopback it is needed, unless --plaintext is given.
    #[arg(long, value_name = "FILE", requires = "tls_private_key")]
    pub(super) tls_certificate: Option<PathBuf>,
    /// The private key of that certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(super) tls_private_key: Option<PathBuf>,
    /// Listen off loopback without TLS, where the network keeps others out.
    #[arg(long, conflicts_with = "tls_certificate")]
    pub(super) plaintext: bool,
    /// Make a key for a caller of this name, which may push for the app, and write it to NAME.key beside the configuration.
    /// Without callers everybody who reaches the listener may do everything.
    #[arg(long, value_name = "NAME")]
    pub(super) caller: Option<String>,
    /// Tell what was written as one JSON document on standard output: `file`, `app`, `made` (the files of new or copied keys),
    /// `warnings` and `next` (commands).
    #[arg(long)]
    pub(super) json: bool,
}

/// An address to listen at.
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "expected an IP address with a port, such as 127.0.0.1:50051 or [::1]:50051")
}

/// An environment of APNs.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Environment {
    /// Builds from the App Store, TestFlight and enterprises.
    Production,
    /// Builds from Xcode.
    Sandbox,
}

impl Environment {
    /// The name in the configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox => "sandbox",
        }
    }
}
