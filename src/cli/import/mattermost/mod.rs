//! `fanfare import mattermost-push-proxy`.

mod rest;
mod targets;
#[cfg(test)]
mod tests;
mod their;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;

use super::imported::Imported;
use super::named::Folders;
use super::toml_text::{list, quoted};
use crate::cli::done::Done;
use crate::cli::named_file::read_text;
use rest::Rest;
use targets::{Target, Targets};
use their::Object;

/// The networks from which a Mattermost server is expected: loopback and the private ones.
///
/// Sources: RFC 1918, section 3; RFC 4193, section 3.
const PRIVATE: [&str; 6] =
    ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/// From the configuration of Mattermost's own push proxy.
///
/// Reads its configuration file, and of the environment what the push proxy reads: HTTPS_PROXY, or else HTTP_PROXY. Files that
/// are named by relative paths are looked for beside the configuration, in the folder above it and in the working folder, and are
/// named by absolute paths from then on. docs/mattermost.md says how to change over, and back.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fanfare import mattermost-push-proxy /mattermost-push-proxy/config/mattermost-push-proxy.json\n  \
                  fanfare import mattermost-push-proxy mattermost-push-proxy.json --out /etc/fanfare"
)]
pub(in crate::cli) struct MattermostPushProxy {
    /// The configuration of the push proxy, in JSON.
    config: PathBuf,
    /// The folder for what is written. It is made if it is not there.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

impl MattermostPushProxy {
    pub(super) fn run(self, as_json: bool) -> anyhow::Result<Done> {
        let shown = self.config.display();
        let text = read_text(&self.config)?;
        let folders = Folders::around(&self.config);
        let variable =
            |name| std::env::var(name).ok().filter(|value| !value.is_empty()).map(|value| (name, value));
        let proxy = variable("HTTPS_PROXY").or_else(|| variable("HTTP_PROXY"));
        import(&text, &folders, proxy)
            .with_context(|| format!("cannot use {shown}"))?
            .write(&self.out, as_json)
    }
}

/// Turns a configuration, and the variable that names a proxy, into ours.
fn import(text: &str, folders: &Folders, proxy: Option<(&str, String)>) -> anyhow::Result<Imported> {
    ensure!(!text.trim().is_empty(), "the file is empty");
    let value: serde_json::Value = serde_json::from_str(text).context("it is no JSON")?;
    let config = Object::whole(&value)?;
    let mut imported = Imported::default();
    let targets = Targets { folders, imported: &mut imported }.read(&config)?;
    if targets.is_empty() {
        imported.lost.push("No target is left, so nothing can be served: add [apps.NAME].".to_owned());
    }
    let Rest { listen, log, proxy } = Rest::read(&config, proxy, &mut imported)?;
    imported.notes.push(format!(
        "Mattermost servers are expected in {}: correct `networks` if yours are elsewhere, or they get 401.",
        PRIVATE.join(", ")
    ));
    let platforms = targets.iter().map(|Target { platform, .. }| {
        let name = quoted(platform);
        format!("{name} = {name}\n")
    });
    imported.toml = [
        "# Written by `fanfare import mattermost-push-proxy`. docs/mattermost.md says what is different.\n\n".to_owned(),
        "# Mattermost servers call here: PushNotificationServer = \"http://THIS-HOST:PORT\".\n[[http]]\n".to_owned(),
        format!("listen = {}\n", quoted(&listen)),
        "# The push proxy had no TLS either. Add [http.tls] to have it.\nplaintext_anywhere = true\n".to_owned(),
        "serve = [\"mattermost\"]\n".to_owned(),
        "# Mattermost servers show no credentials, so they are told by where they are.\n".to_owned(),
        format!("caller = \"mattermost\"\nnetworks = {}\n\n", list(PRIVATE)),
        "# The app of each platform. Pushes of others may be forwarded: forward = \"https://push.example\".\n".to_owned(),
        format!("[http.mattermost.platforms]\n{}\n", platforms.collect::<String>()),
        "# What Mattermost servers may do. Nobody else may call, until there is another caller.\n[callers.mattermost]\n".to_owned(),
        "apps = [\"*\"]\nproviders = [\"*\"]\nrpcs = [\"SendPush\"]\nservice_classes = [\"interactive\"]\n".to_owned(),
        log,
        proxy,
        targets.iter().map(|Target { toml, .. }| format!("\n{toml}")).collect(),
    ]
    .concat();
    Ok(imported)
}
