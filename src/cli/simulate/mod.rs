//! `fanfare simulate`

mod config;
mod facts;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::serve::write_whole;
use super::{Done, told_to_stop};
use crate::simulator::{
    FateRow, FcmFateRow, FcmSettings, MattermostSettings, Simulator, SimulatorBuilder, SimulatorError,
    WebPushFateRow, WebPushSettings, fates, fcm_fates, web_push_fates,
};
use config::gateway_config;
use facts::Facts;

/// The folder of the subscriptions.
const SUBSCRIPTIONS: &str = "subscriptions";

/// Runs stand-ins for APNs, FCM, Web Push and a Mattermost push proxy on loopback: no account needed.
///
/// Over real TLS and HTTP: tokens are verified, headers and payloads checked. The first four
/// hexadecimal digits of a device token decide its fate, and the word before the first colon of a registration
/// token. What a client needs is written to a folder: `ca.pem`, `AuthKey.p8`, `service-account.json`,
/// `authorized-user.json`, `vapid.pem`, `simulator.json`, a `fanfare.toml` for a gateway, and in `subscriptions` those
/// of browsers, which decrypt what they are sent; each has the fate that its name says.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(super) struct Simulate {
    /// The folder that is written to; made where it does not exist.
    #[arg(long)]
    dir: PathBuf,
    /// Where APNs' production listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    production: SocketAddr,
    /// Where APNs' sandbox listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    sandbox: SocketAddr,
    /// Where FCM and Google's token endpoint listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    fcm: SocketAddr,
    /// Where Google's metadata server listens, without TLS.
    #[arg(long, default_value = "127.0.0.1:0")]
    metadata: SocketAddr,
    /// Where the Mattermost push proxy listens, without TLS.
    #[arg(long, default_value = "127.0.0.1:0")]
    mattermost: SocketAddr,
    /// Where the Mattermost push proxy listens, with TLS.
    #[arg(long, default_value = "127.0.0.1:0")]
    mattermost_tls: SocketAddr,
    /// Where the push services of browsers listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    web_push: SocketAddr,
    /// The bundle ids of the team. May be repeated.
    #[arg(long = "topic", default_values_t = ["com.example.app".to_owned()])]
    topics: Vec<String>,
    /// The projects of Firebase. May be repeated.
    #[arg(long = "project", default_values_t = ["demo-project".to_owned(), "other-project".to_owned()])]
    projects: Vec<String>,
    /// How long every answer takes.
    #[arg(long, default_value = "0s", value_parser = |text: &str| humantime::parse_duration(text))]
    latency: Duration,
    /// Streams that a connection to APNs may have after its first good answer.
    #[arg(long, default_value_t = 1000)]
    streams: u32,
    /// Requests a second that the Mattermost push proxy takes.
    #[arg(long, default_value_t = 300)]
    mattermost_throttle: u64,
}

fn after_help() -> String {
    let mut help = "Device tokens that begin with:\n".to_owned();
    for FateRow { prefix, description, .. } in fates() {
        help.push_str(&format!("  {prefix}…  {description}\n"));
    }
    help.push_str("Every other device token is good.\n\nRegistration tokens that begin with:\n");
    for FcmFateRow { word, description, .. } in fcm_fates() {
        help.push_str(&format!("  {:<18}{description}\n", format!("{word}:")));
    }
    help.push_str("  WORD.PROJECT:     a token of that project; of another, a mismatch\n");
    help.push_str("Every other registration token is good.\n\nSubscriptions:\n");
    for row in web_push_fates() {
        help.push_str(&format!("  {:<22}{}\n", row.name(), row.description));
    }
    help.push_str("\nExamples:\n");
    help.push_str("  fanfare simulate --dir sim\n  fanfare serve --config sim/fanfare.toml\n");
    help.push_str("  fanfare send --app demo --apns dead0123 --title Hello\n");
    help.push_str("  fanfare send --app demo --fcm unregistered:1 --title Hello\n");
    help.push_str("  fanfare send --app demo --mattermost apple_rn:dead0123 --title Hello");
    help
}

impl Simulate {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        let simulator = self.builder().start().await?;
        let key = simulator.provider_key();
        let fcm = simulator.fcm();
        let projects: Vec<&str> = self.projects.iter().map(String::as_str).collect();
        let service_account = fcm.add_service_account(&projects)?.key_json();
        let user = fcm.add_user(&projects).json();
        let web_push = simulator.web_push();
        let vapid = web_push.new_key()?;
        let subscribe = |row: &WebPushFateRow| web_push.subscribe(row.vendor, &vapid.public_key, row.fate);
        let subscriptions: Vec<_> = web_push_fates()
            .iter()
            .map(|row| Ok((row.name(), subscribe(row)?)))
            .collect::<Result<_, SimulatorError>>()?;
        let facts = Facts::new(&simulator, &self.topics, &self.projects, &vapid);
        std::fs::create_dir_all(self.dir.join(SUBSCRIPTIONS))
            .and_then(|()| {
                write_whole(&self.dir.join("ca.pem"), simulator.ca_pem())?;
                write_whole(&self.dir.join("AuthKey.p8"), &key.private_key_pem)?;
                write_whole(&self.dir.join("service-account.json"), &service_account)?;
                write_whole(&self.dir.join("authorized-user.json"), &user)?;
                write_whole(&self.dir.join("vapid.pem"), &vapid.private_key_pem)?;
                for (name, subscription) in &subscriptions {
                    let file = self.dir.join(SUBSCRIPTIONS).join(name).with_extension("json");
                    write_whole(&file, &subscription.json())?;
                }
                write_whole(&self.dir.join("fanfare.toml"), &gateway_config(&facts))?;
                let json = serde_json::to_string_pretty(&facts)?;
                // Last: who waits for it finds the others.
                write_whole(&self.dir.join("simulator.json"), &json)
            })
            .with_context(|| format!("cannot write to {}", self.dir.display()))?;
        println!("production {}", facts.production);
        println!("sandbox    {}", facts.sandbox);
        println!("fcm        {}", facts.fcm.origin);
        println!("token      {}", facts.fcm.token_uri);
        println!("metadata   {}", facts.fcm.metadata);
        println!("mattermost {} {}", facts.mattermost.origin, facts.mattermost.tls_origin);
        println!("web push   {}", facts.web_push.origin);
        println!("gateway    fanfare serve --config {}", Path::new(&self.dir).join("fanfare.toml").display());
        told_to_stop().await?;
        let counters = simulator.counters();
        println!("{} requests on {} connections", counters.requests_arrived, counters.connections_opened);
        simulator.shutdown().await;
        Ok(Done::Good)
    }

    fn builder(&self) -> SimulatorBuilder {
        Simulator::builder()
            .production_listen(self.production)
            .sandbox_listen(self.sandbox)
            .bundle_ids(self.topics.clone())
            .latency(self.latency)
            .max_concurrent_streams(self.streams)
            .fcm(FcmSettings {
                listen: self.fcm,
                metadata_listen: self.metadata,
                projects: self.projects.clone(),
                ..FcmSettings::default()
            })
            .mattermost(MattermostSettings {
                listen: self.mattermost,
                tls_listen: self.mattermost_tls,
                throttle_per_second: self.mattermost_throttle,
                ..MattermostSettings::default()
            })
            .web_push(WebPushSettings { listen: self.web_push, ..WebPushSettings::default() })
    }
}
