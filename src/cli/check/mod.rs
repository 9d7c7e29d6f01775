//! `fanfare check`: validates a configuration.

use std::fmt::{Display, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;

use super::done::Done;
use super::output::{print_or_tell, tell};
use crate::config::{ApnsCredential, AppConfig, ClientCertificate, Config};

/// Validates a configuration and sends nothing.
///
/// Reads every key and certificate that the configuration names. Each problem is a sentence on standard error; what each app
/// sends as, and when its certificates end, is on standard output.
///
/// Exit code 0: the configuration is good, though there may be warnings; 1: it is not. The exit code is the same if standard
/// output cannot be written.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fanfare check --config fanfare.toml")]
pub(super) struct Check {
    /// The configuration file.
    #[arg(long, env = "FANFARE_CONFIG", default_value = "fanfare.toml")]
    config: PathBuf,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        let config = match Config::load(&self.config) {
            Ok(config) => config,
            Err(errors) => {
                tell(errors);
                return Ok(Done::Bad);
            }
        };
        for warning in &config.warnings {
            tell(format_args!("warning: {warning}"));
        }
        let mut report =
            Report { file: &self.config, now: SystemTime::now(), lines: String::new(), good: true };
        for app in &config.apps {
            report.app(app);
        }
        if report.good {
            report.line(format_args!("{} is good", self.config.display()));
        }
        print_or_tell(report.lines.trim_end());
        Ok(if report.good { Done::Good } else { Done::Bad })
    }
}

/// Collects what is said about the apps, and whether it is good.
struct Report<'a> {
    file: &'a Path,
    now: SystemTime,
    lines: String,
    good: bool,
}

impl Report<'_> {
    fn line(&mut self, line: impl Display) {
        // Writing to a string does not fail.
        let _ = writeln!(self.lines, "{line}");
    }

    fn app(&mut self, app: &AppConfig) {
        let AppConfig { id, apns, fcm, mattermost, web_push, .. } = app;
        match apns.as_ref().map(|apns| &apns.credential) {
            Some(ApnsCredential::Token(key)) => {
                let (key_id, team_id) = (key.key_id().as_str(), key.team_id().as_str());
                self.line(format_args!("app {id}: APNs by key {key_id} of team {team_id}"));
            }
            Some(ApnsCredential::Certificate(certificate)) => {
                let valid = certificate.validity();
                self.line(format_args!("app {id}: APNs by certificate, valid {valid}"));
                self.certificate(&format!("apps.{id}.apns.certificate"), certificate);
            }
            None => {}
        }
        if let Some(fcm) = fcm {
            self.line(format_args!("app {id}: FCM as {}", fcm.credential.account()));
            if let Some(certificate) = &fcm.certificate {
                let valid = certificate.validity();
                self.line(format_args!("app {id}: FCM shows a certificate, valid {valid}"));
                self.certificate(&format!("apps.{id}.fcm.certificate"), certificate);
            }
        }
        if let Some(web_push) = web_push {
            let server = &web_push.application_server;
            let (subject, public_key) = (server.subject(), server.public_key());
            self.line(format_args!("app {id}: Web Push as {subject}, public key {public_key}"));
        }
        if let Some(mattermost) = mattermost {
            self.line(format_args!("app {id}: Mattermost push proxy {}", mattermost.origin));
        }
    }

    /// Says whether a certificate is valid now, and for long enough.
    fn certificate(&mut self, key: &str, certificate: &ClientCertificate) {
        let (file, valid) = (self.file.display(), certificate.validity());
        if valid.has_ended(self.now) || valid.has_not_begun(self.now) {
            tell(format_args!(
                "{file}: {key}: expected a certificate that is valid now, found one valid {valid}"
            ));
            self.good = false;
        } else if valid.ends_soon(self.now) {
            tell(format_args!(
                "warning: {file}: {key}: the certificate ends within 30 days, it is valid {valid}"
            ));
        }
    }
}
