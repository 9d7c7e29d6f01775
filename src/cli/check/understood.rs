//! What a configuration says, as the gateway understood it. No secret is in it: keys are told by their ids, accounts and
//! public halves.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use serde::Serialize;

use super::ends::ends;
use super::row::{Row, write_rows};
use super::{apps, callers};
use crate::config::{Config, settings_written};
use crate::feed::FeedSettings;
use crate::ingress::http::HttpSettings;
use crate::listener::ListenerSettings;

/// The sample says every default; a test holds it to that.
const SAMPLE: &str = include_str!("../../../examples/fanfare.toml");

/// Settings that are told with what they belong to, and not once more as a setting.
const TOLD_ELSEWHERE: [&str; 3] = ["grpc.listen", "admin.listen", "grpc.trusted_proxies"];

/// What a configuration says.
#[derive(Serialize)]
pub(super) struct Understood {
    listeners: Vec<Row>,
    /// Whether a call needs to show nothing.
    everybody_may_call: bool,
    callers: Vec<Row>,
    issuers: Vec<Row>,
    apps: Vec<Row>,
    feeds: Vec<Row>,
    certificates: Vec<Row>,
    /// The settings that are not at their defaults.
    settings: Vec<Row>,
    /// The environment variables that stand in for keys of the file, by their names alone: a value may be a secret.
    environment: Vec<String>,
}

impl Understood {
    /// Tells what `config` says at this moment. `environment` names the variables that stood in for keys of its file.
    pub(super) fn of(config: &Config, environment: Vec<String>, now: SystemTime) -> Self {
        let certificates = config.certificates.iter().map(|certificate| {
            let row = Row::new(certificate.key.as_str()).fact("names", certificate.names.clone());
            row.and(Some(ends(certificate.validity, now)))
        });
        Self {
            listeners: [("grpc", &config.grpc.listener), ("admin", &config.admin.listener)]
                .map(|(name, settings)| listener(name, settings, now))
                .into_iter()
                .chain(config.http.iter().map(|settings| http_listener(settings, now)))
                .collect(),
            everybody_may_call: callers::everybody_may_call(config),
            callers: config.callers.iter().map(|caller| callers::caller(caller, config)).collect(),
            issuers: config.issuers.iter().map(callers::issuer).collect(),
            apps: config.apps.iter().map(|app| apps::app(app, config, now)).collect(),
            feeds: config.feeds.iter().map(feed).collect(),
            certificates: certificates.collect(),
            settings: changed(&config.written, &settings_written(SAMPLE)),
            environment,
        }
    }
}

fn listener(name: &str, settings: &ListenerSettings, now: SystemTime) -> Row {
    let ListenerSettings { listen, tls, trusted_proxies, .. } = settings;
    let proxies: Vec<_> = trusted_proxies.iter().map(ToString::to_string).collect();
    Row::new(name)
        .fact("address", listen.to_string())
        .fact("plaintext", tls.is_none())
        .fact("tls", tls.is_some())
        .and(tls.as_ref().map(|tls| ends(tls.validity(), now)))
        .fact("trusted_proxies", proxies)
}

fn feed(settings: &FeedSettings) -> Row {
    let apps = settings.apps.as_ref().map(|apps| apps.iter().map(ToString::to_string).collect::<Vec<_>>());
    // The path is left out, since that of a webhook may hold a secret.
    Row::new(&*settings.name)
        .fact("receiver", settings.peer.origin.to_string())
        .fact("tells", settings.wanted.to_string())
        .fact("apps", apps)
        .fact("secrets", settings.secrets.len())
}

fn http_listener(settings: &HttpSettings, now: SystemTime) -> Row {
    let mut networks: Vec<_> = settings.networks.iter().map(ToString::to_string).collect();
    if networks.is_empty() && settings.caller.is_some() {
        networks.push("anywhere".to_owned());
    }
    let mattermost = settings.mattermost.as_ref();
    let platforms = mattermost.map(|mattermost| mattermost.platforms.keys().cloned().collect::<Vec<_>>());
    let app_ids = settings.matrix.as_ref().map(|matrix| matrix.apps.names());
    let forward = mattermost.and_then(|mattermost| mattermost.forward.as_ref());
    let forward = forward.map(|forward| format!("{}{}", forward.peer.origin, forward.prefix));
    listener("http", &settings.listener, now)
        .fact("serves", settings.served().collect::<Vec<_>>())
        .fact("caller_without_credentials", settings.caller.clone())
        .fact("networks_without_credentials", networks)
        .fact("platforms", platforms)
        .fact("app_ids", app_ids)
        .fact("forward", forward)
}

/// The settings that have other values than the sample, which may write the same time in another unit.
fn changed(written: &BTreeMap<String, String>, defaults: &BTreeMap<String, String>) -> Vec<Row> {
    let is_same = |one: &str, other: &str| {
        let parsed = |text| humantime::parse_duration(text).ok();
        one == other || (parsed(one).is_some() && parsed(one) == parsed(other))
    };
    let told = written.iter().filter(|(key, _)| !TOLD_ELSEWHERE.contains(&key.as_str()));
    let changed = told.filter(|(key, value)| !defaults.get(*key).is_some_and(|it| is_same(it, value)));
    let row = |(key, value): (&String, &String)| {
        Row::new(key).fact("value", value.clone()).fact("default", defaults.get(key).cloned())
    };
    changed.map(row).collect()
}

impl fmt::Display for Understood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, rows) in [
            ("listeners", &self.listeners),
            ("callers", &self.callers),
            ("issuers", &self.issuers),
            ("apps", &self.apps),
            ("feeds", &self.feeds),
            ("certificates", &self.certificates),
            ("settings that are not at their defaults", &self.settings),
        ] {
            if title == "callers" && self.everybody_may_call {
                writeln!(
                    f,
                    "{title}\n  WARNING: everybody who reaches the grpc listener may call{}",
                    self.what()
                )?;
            } else if !rows.is_empty() {
                writeln!(f, "{title}")?;
            }
            write_rows(f, rows, 2)?;
        }
        if !self.environment.is_empty() {
            writeln!(f, "environment variables in place of keys\n  {}", self.environment.join("\n  "))?;
        }
        Ok(())
    }
}

impl Understood {
    /// What everybody may do who may call.
    fn what(&self) -> &'static str {
        if self.callers.is_empty() { " and may do everything" } else { ", and is the anonymous caller" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_told_where_it_is_not_at_its_default_in_whichever_unit_that_is_written() {
        let defaults = settings_written(SAMPLE);
        assert!(changed(&defaults, &defaults).is_empty());
        let written = "[grpc]\nlisten = \"0.0.0.0:1\"\n[limits]\nmax_wait = \"30000ms\"\nmax_attempts = 5\n";
        let told = serde_json::to_value(changed(&settings_written(written), &defaults)).unwrap();
        let expected = serde_json::json!([{"name": "limits.max_attempts", "value": "5", "default": "4"}]);
        assert_eq!(told, expected);
    }
}
