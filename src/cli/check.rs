//! `fanfare check`

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;

use super::Done;
use crate::config::{ApnsCredential, Config};
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
        for app in config.apps {
            let Some(apns) = app.apns else { continue };
            match apns.credential {
                ApnsCredential::Token { key_id, team_id, .. } => {
                    println!("app {}: APNs by key {key_id} of team {team_id}", app.id);
                }
                ApnsCredential::Certificate(certificate) => {
                    let valid = certificate.check_validity(SystemTime::now());
                    let fits =
                        valid.and_then(|()| tls::client_config(roots.clone(), Some(certificate), Http::Two));
                    if let Err(error) = fits {
                        eprintln!("{}: apps.{}.apns.certificate: {error}", self.config.display(), app.id);
                        return Ok(Done::Bad);
                    }
                    println!("app {}: APNs by certificate", app.id);
                }
            }
        }
        println!("{} is good", self.config.display());
        Ok(Done::Good)
    }
}
