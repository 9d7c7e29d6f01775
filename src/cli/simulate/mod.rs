//! `fanfare simulate`

mod config;
mod facts;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::Done;
use super::output::{print_or_tell, tell};
use super::signals::{StopSignals, ignore_hangups};
use super::whole::{EVERYBODY, OWNER, write_whole};
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
///
/// It runs until SIGTERM or SIGINT; SIGHUP is ignored. Exit code 0: it ran, whether or not standard output could be
/// written; 2: it could not start, or could not write to the folder.
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
        ignore_hangups(|| tell("SIGHUP is ignored; SIGTERM or SIGINT ends the simulator"))?;
        let mut stop = StopSignals::listen()?;
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
                write_whole(&self.dir.join("ca.pem"), simulator.ca_pem(), EVERYBODY)?;
                write_whole(&self.dir.join("AuthKey.p8"), &key.private_key_pem, OWNER)?;
                write_whole(&self.dir.join("service-account.json"), &service_account, OWNER)?;
                write_whole(&self.dir.join("authorized-user.json"), &user, OWNER)?;
                write_whole(&self.dir.join("vapid.pem"), &vapid.private_key_pem, OWNER)?;
                for (name, subscription) in &subscriptions {
                    let file = self.dir.join(SUBSCRIPTIONS).join(name).with_extension("json");
                    write_whole(&file, &subscription.json(), EVERYBODY)?;
                }
                write_whole(&self.dir.join("fanfare.toml"), &gateway_config(&facts), EVERYBODY)?;
                let json = serde_json::to_string_pretty(&facts)?;
                // Last: who waits for it finds the others.
                write_whole(&self.dir.join("simulator.json"), &json, EVERYBODY)
            })
            .with_context(|| format!("cannot write to {}", self.dir.display()))?;
        print_or_tell(Addresses(&facts, &self.dir));
        stop.wait().await;
        let counters = simulator.counters();
        print_or_tell(format_args!(
            "{} requests on {} connections",
            counters.requests_arrived, counters.connections_opened
        ));
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

/// Where everything listens, for people.
struct Addresses<'a>(&'a Facts<'a>, &'a Path);

impl fmt::Display for Addresses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(facts, dir) = self;
        writeln!(f, "production {}", facts.production)?;
        writeln!(f, "sandbox    {}", facts.sandbox)?;
        writeln!(f, "fcm        {}", facts.fcm.origin)?;
        writeln!(f, "token      {}", facts.fcm.token_uri)?;
        writeln!(f, "metadata   {}", facts.fcm.metadata)?;
        writeln!(f, "mattermost {} {}", facts.mattermost.origin, facts.mattermost.tls_origin)?;
        writeln!(f, "web push   {}", facts.web_push.origin)?;
        write!(f, "gateway    fanfare serve --config {}", dir.join("fanfare.toml").display())
    }
}
