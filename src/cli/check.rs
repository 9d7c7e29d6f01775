//! `fanfare check`

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;

use super::Done;
use crate::config::{ApnsCredential, AppConfig, Config};
use crate::credential::vapid::VapidKey;
use crate::upstream::tls::ClientIdentity;
use crate::upstream::{Http, tls};

/// Validates a configuration and sends nothing.
///
/// Reads every key and certificate that it names, and says what is wrong in one sentence each. Exit code 0: good;
/// 1: not.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fanfare check --config fanfare.toml")]
pub(super) struct Check {
    /// The configuration.
    #[arg(long, env = "FANFARE_CONFIG", default_value = "fanfare.toml")]
    config: PathBuf,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        let config = match Config::load(&self.config) {
            Ok(config) => config,
            Err(errors) => {
                eprintln!("{errors}");
                return Ok(Done::Bad);
            }
        };
        let roots = tls::roots(&config.extra_roots)?;
        let now = SystemTime::now();
        let usable = |key: String, certificate: ClientIdentity| {
            let valid = certificate.check_validity(now);
            let fits = valid.and_then(|()| tls::client_config(roots.clone(), Some(certificate), Http::Two));
            fits.map_err(|error| eprintln!("{}: {key}: {error}", self.config.display())).is_ok()
        };
        for AppConfig { id, apns, fcm, mattermost, web_push, .. } in config.apps {
            match apns.map(|apns| apns.credential) {
                Some(ApnsCredential::Token { key_id, team_id, .. }) => {
                    println!("app {id}: APNs by key {key_id} of team {team_id}");
                }
                Some(ApnsCredential::Certificate(certificate)) => {
                    if !usable(format!("apps.{id}.apns.certificate"), certificate) {
                        return Ok(Done::Bad);
                    }
                    println!("app {id}: APNs by certificate");
                }
                None => {}
            }
            if let Some(fcm) = fcm {
                let certificate = fcm.certificate.map(|it| usable(format!("apps.{id}.fcm.certificate"), it));
                if certificate == Some(false) {
                    return Ok(Done::Bad);
                }
                println!("app {id}: FCM as {}", fcm.credential.identity());
            }
            if let Some(web_push) = web_push {
                // It was read before.
                let key = VapidKey::parse(&web_push.key)?;
                println!("app {id}: Web Push as {}, public key {}", web_push.subject, key.public_key());
            }
            if let Some(mattermost) = mattermost {
                println!("app {id}: Mattermost push proxy {}", mattermost.origin);
            }
        }
        println!("{} is good", self.config.display());
        Ok(Done::Good)
    }
}
