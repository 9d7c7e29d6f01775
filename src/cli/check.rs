//! `fanfare check`: validates a configuration.

use std::fmt::{Display, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use clap::Args;
use rustls::RootCertStore;

use super::Done;
use super::output::{print_or_tell, tell};
use crate::config::{ApnsCredential, AppConfig, Config};
use crate::credential::vapid::VapidKey;
use crate::upstream::tls::ClientIdentity;
use crate::upstream::{Http, tls};

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
        let mut config = match Config::load(&self.config) {
            Ok(config) => config,
            Err(errors) => {
                tell(errors);
                return Ok(Done::Bad);
            }
        };
        let roots = match tls::roots(&config.extra_roots) {
            Ok(roots) => roots,
            Err(error) => {
                tell(format_args!("{}: {error}", self.config.display()));
                return Ok(Done::Bad);
            }
        };
        let apps = std::mem::take(&mut config.apps);
        for warning in &config.warnings {
            tell(format_args!("warning: {warning}"));
        }
        let mut report =
            Report { file: &self.config, roots, now: SystemTime::now(), lines: String::new(), good: true };
        for app in apps {
            report.app(app)?;
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
    roots: Arc<RootCertStore>,
    now: SystemTime,
    lines: String,
    good: bool,
}

impl Report<'_> {
    fn line(&mut self, line: impl Display) {
        // Writing to a string does not fail.
        let _ = writeln!(self.lines, "{line}");
    }

    fn app(&mut self, app: AppConfig) -> anyhow::Result<()> {
        let AppConfig { id, apns, fcm, mattermost, web_push, .. } = app;
        match apns.map(|apns| apns.credential) {
            Some(ApnsCredential::Token { key_id, team_id, .. }) => {
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
            self.line(format_args!("app {id}: FCM as {}", fcm.credential.identity()));
            if let Some(certificate) = fcm.certificate {
                let valid = certificate.validity();
                self.line(format_args!("app {id}: FCM shows a certificate, valid {valid}"));
                self.certificate(&format!("apps.{id}.fcm.certificate"), certificate);
            }
        }
        if let Some(web_push) = web_push {
            // This key was parsed when the configuration was loaded, so it cannot fail here.
            let key = VapidKey::parse(&web_push.key)?;
            let (subject, public_key) = (&web_push.subject, key.public_key());
            self.line(format_args!("app {id}: Web Push as {subject}, public key {public_key}"));
        }
        if let Some(mattermost) = mattermost {
            self.line(format_args!("app {id}: Mattermost push proxy {}", mattermost.origin));
        }
        Ok(())
    }

    /// Checks that a certificate is valid now and fits its key.
    fn certificate(&mut self, key: &str, certificate: ClientIdentity) {
        let valid = certificate.validity();
        let problem = if valid.has_ended(self.now) || valid.has_not_begun(self.now) {
            Some(format!("expected a certificate that is valid now, found one valid {valid}"))
        } else {
            let fits = tls::client_config(Arc::clone(&self.roots), Some(certificate), Http::Two);
            fits.err().map(|error| error.to_string())
        };
        let file = self.file.display();
        if let Some(problem) = problem {
            tell(format_args!("{file}: {key}: {problem}"));
            self.good = false;
        } else if valid.ends_soon(self.now) {
            tell(format_args!(
                "warning: {file}: {key}: the certificate ends within 30 days, it is valid {valid}"
            ));
        }
    }
}
