//! `fanfare check`: validates a configuration, tells what it says, and asks the push services whether they take it.

mod advice;
mod apps;
mod asked;
mod callers;
mod ends;
mod findings;
mod online;
mod row;
mod understood;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;
use serde::Serialize;

use super::done::Done;
use super::output::{print_or_tell, tell};
use crate::app::Network;
use crate::config::{Config, Overrides};
use crate::files::FilesRead;
use asked::Asked;
use findings::Findings;
use online::Online;
use understood::Understood;

/// Validates a configuration, and tells what it says.
///
/// Reads every key and certificate that the configuration names, and sends nothing unless --online is given. Standard error
/// has every problem as a sentence, and warnings. Standard output has what the gateway understood: listeners, callers, issuers,
/// apps, when certificates end, and settings that are not at their defaults. No secret is told.
///
/// --online also asks each push service whether it takes what the apps show, over the gateway's own pool and through the
/// proxies of the file. Nobody is sent anything: FCM is asked to validate a push to a registration token that was made up; APNs,
/// which cannot be asked so, is sent a silent push for a device token of zeros, which no device has; a Mattermost push proxy is
/// asked for its version. Push services of browsers are not asked, because only a browser's subscription could say which.
///
/// Exit code 0: all is good, though there may be warnings; 1: something is not. The exit code is the same if standard output
/// cannot be written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fanfare check --config fanfare.toml\n  fanfare check --online\n  \
                  fanfare check --online --app shop --timeout 3s\n  fanfare check --json | jq .understood.certificates")]
pub(super) struct Check {
    /// The configuration file.
    #[arg(long, env = "FANFARE_CONFIG", default_value = "fanfare.toml")]
    config: PathBuf,
    /// Tells all of it as one JSON document on standard output. docs/check.md names its keys.
    #[arg(long)]
    json: bool,
    /// Asks each push service whether it takes what the apps show.
    #[arg(long)]
    online: bool,
    /// Asks for this app alone.
    #[arg(long, value_name = "NAME", requires = "online")]
    app: Option<String>,
    /// How long each push service may take for its answer.
    #[arg(long, default_value = "10s", requires = "online", value_parser = timeout)]
    timeout: Duration,
}

/// All that a check has to say. This is its JSON.
#[derive(Serialize)]
struct Report {
    file: String,
    good: bool,
    #[serde(flatten)]
    findings: Findings,
    #[serde(skip_serializing_if = "Option::is_none")]
    understood: Option<Understood>,
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<Vec<Asked>>,
}

impl Check {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        let now = SystemTime::now();
        let overrides = Overrides::of_environment();
        let report = match Config::read(&self.config, &overrides, &mut FilesRead::default()) {
            Err(errors) => self.report(Findings::of_errors(errors), None, None),
            Ok(mut config) => {
                let findings = Findings::of(&mut config, &self.config, now);
                let understood = Understood::of(&config, overrides.names().map(str::to_owned).collect(), now);
                let online = match self.online {
                    true => Some(self.ask(config).await?),
                    false => None,
                };
                self.report(findings, Some(understood), online)
            }
        };
        let done = if report.good { Done::Good } else { Done::Bad };
        if self.json {
            print_or_tell(serde_json::to_string_pretty(&report)?);
        } else {
            report.tell();
        }
        Ok(done)
    }

    /// Asks the push services of the chosen apps.
    async fn ask(&self, mut config: Config) -> anyhow::Result<Vec<Asked>> {
        if let Some(name) = &self.app {
            config.apps.retain(|app| app.id.as_str() == name);
            anyhow::ensure!(!config.apps.is_empty(), "{} has no app {name:?}", self.config.display());
        }
        Ok(Online::start(config, Network::default(), self.timeout)?.ask().await)
    }

    fn report(
        &self,
        findings: Findings,
        understood: Option<Understood>,
        online: Option<Vec<Asked>>,
    ) -> Report {
        let answers = online.iter().flatten();
        let good = findings.wrong.is_empty() && answers.into_iter().all(Asked::is_good);
        Report { file: self.config.display().to_string(), good, findings, understood, online }
    }
}

impl Report {
    /// Tells it to people.
    fn tell(&self) {
        let Self { file, good, findings, understood, online } = self;
        findings.wrong.iter().for_each(|finding| tell(&finding.sentence));
        findings.warnings.iter().for_each(|warning| tell(format_args!("warning: {}", warning.sentence)));
        let mut text = understood.as_ref().map(ToString::to_string).unwrap_or_default();
        if let Some(online) = online {
            text += "online\n";
            online.iter().for_each(|asked| text += &asked.to_string());
        }
        if *good {
            text += &format!("{file} is good");
        }
        if !text.is_empty() {
            print_or_tell(text.trim_end());
        }
    }
}

/// Parses a time that is longer than nothing, and no longer than anybody waits at a terminal.
fn timeout(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(600);
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time.is_zero() || time > LONGEST {
        return Err(format!("expected more than 0 and at most {LONGEST:?}, found {text}"));
    }
    Ok(time)
}
