//! The flags of `fanfare simulate`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::simulator::{
    ApnsScriptedPrefix, FaultRule, FcmScriptedWord, FcmSettings, LimitRises, MattermostSettings, Simulator,
    SimulatorBuilder, StoragePolicy, WebPushSettings, apns_scripted_prefixes, fcm_scripted_words,
    web_push_scripted_subscriptions,
};

/// Runs stand-ins for APNs, FCM, Web Push and a Mattermost push proxy on loopback: no account needed.
///
/// Over real TLS and HTTP: tokens are verified, headers and payloads checked. The first four
/// hexadecimal digits of a device token decide its fate, and the word before the first colon of a registration
/// token. What a client needs is written to a folder: `ca.pem`, `AuthKey.p8`, a client certificate (`client.pem`,
/// `client-key.pem`), `service-account.json`, `authorized-user.json`, `vapid.pem`, `simulator.json`, a `fanfare.toml`
/// for a gateway, and in `subscriptions` those of browsers, which decrypt what they are sent; each has the fate that
/// its name says. A control API scripts what goes wrong and reads what arrived: docs/simulator.md describes it.
///
/// It runs until SIGTERM or SIGINT, and then answers what is under way; SIGHUP is ignored. Exit code 0: it ran, whether
/// or not standard output could be written; 2: it could not start, or could not write to the folder.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(in crate::cli) struct Simulate {
    /// The folder that is written to; made where it does not exist.
    #[arg(long)]
    pub(super) dir: PathBuf,
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
    /// Where the control API listens. It asks nobody who they are, so loopback is its place.
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// A name or an address in the server certificate, beside localhost, 127.0.0.1 and ::1. May be repeated.
    #[arg(long = "san", value_name = "NAME")]
    names: Vec<String>,
    /// The bundle ids of the team. May be repeated.
    #[arg(long = "topic", default_values_t = ["com.example.app".to_owned()])]
    pub(super) topics: Vec<String>,
    /// A broadcast channel of the first topic, in base64. May be repeated.
    #[arg(long = "channel", value_name = "ID", value_parser = channel)]
    channels: Vec<String>,
    /// The projects of Firebase. May be repeated.
    #[arg(long = "project", default_values_t = ["demo-project".to_owned(), "other-project".to_owned()])]
    pub(super) projects: Vec<String>,
    /// Something that goes wrong: FAULT[:VALUE][@WHEN[:VALUE]][*TIMES], see below. May be repeated.
    #[arg(long = "fault", value_name = "RULE")]
    pub(super) faults: Vec<FaultRule>,
    /// How long every answer takes.
    #[arg(long, default_value = "0s", value_parser = |text: &str| humantime::parse_duration(text))]
    latency: Duration,
    /// Streams that a connection to APNs may have once its first provider token is good.
    #[arg(long, default_value_t = 1000)]
    streams: u32,
    /// When it may have them: before the first good answer, or after it. APNs was seen to do both.
    #[arg(long, value_name = "WHEN", default_value = "after-answer")]
    streams_rise: LimitRises,
    /// Requests a second that the Mattermost push proxy takes; without it any number, as the real one does.
    #[arg(long, value_name = "REQUESTS")]
    mattermost_throttle: Option<u64>,
    /// Requests that the journal keeps, the newest.
    #[arg(long, value_name = "ENTRIES", default_value_t = 1_000_000)]
    journal: usize,
    /// Requests of the journal that keep their headers and their body, the newest.
    #[arg(long, value_name = "ENTRIES", default_value_t = 10_000)]
    keep_bodies: usize,
    /// Says nothing on standard output.
    #[arg(long)]
    pub(super) quiet: bool,
    /// How long requests may take to be answered once SIGTERM came.
    #[arg(long, default_value = "10s", value_parser = |text: &str| humantime::parse_duration(text))]
    pub(super) drain_timeout: Duration,
}

fn channel(text: &str) -> Result<String, String> {
    match StoragePolicy::is_channel_id(text) {
        true => Ok(text.to_owned()),
        false => Err("a channel id is base64 with padding, such as dHN0LXNyY2gtY2hubA==".to_owned()),
    }
}

fn after_help() -> String {
    let mut help = "Device tokens that begin with:\n".to_owned();
    for ApnsScriptedPrefix { prefix, description, .. } in apns_scripted_prefixes() {
        help.push_str(&format!("  {prefix}…  {description}\n"));
    }
    help.push_str("Every other device token is good.\n\nRegistration tokens that begin with:\n");
    for FcmScriptedWord { word, description, .. } in fcm_scripted_words() {
        help.push_str(&format!("  {:<18}{description}\n", format!("{word}:")));
    }
    help.push_str("  WORD.PROJECT:     a token of that project; of another, a mismatch\n");
    help.push_str("Every other registration token is good.\n\nSubscriptions:\n");
    for row in web_push_scripted_subscriptions() {
        help.push_str(&format!("  {:<22}{}\n", row.name(), row.description));
    }
    help.push_str(
        "\nFaults, each with when it strikes (always without @) and how often (once without *):\n  \
         --fault 'delay:2s*always'                              every answer, later\n  \
         --fault 'refuse:quota@service:fcm*20'                  20 refusals; also revoked_key, unavailable, internal\n  \
         --fault 'front:status=502,passed_on=true@request:5'    a reverse proxy lost the answer\n  \
         --fault 'goaway:last=before_this@request_of_each:100'  GOAWAY that excludes the request\n  \
         --fault 'reset_stream:code=7,at=before_body'           RST_STREAM with REFUSED_STREAM\n  \
         --fault 'silence@device_token:0a01'                    never answered\n  \
         --fault 'expired_certificate@service:apns_production'  in the handshake\n\
         docs/simulator.md has all of them.\n",
    );
    help.push_str("\nExamples:\n");
    help.push_str("  fanfare simulate --dir sim\n  fanfare serve --config sim/fanfare.toml\n");
    help.push_str("  fanfare send --app demo --apns dead0123 --title Hello\n");
    help.push_str("  fanfare send --app demo --fcm unregistered:1 --title Hello\n");
    help.push_str("  fanfare send --app demo --mattermost apple_rn:dead0123 --title Hello");
    help
}

impl Simulate {
    pub(super) fn builder(&self) -> SimulatorBuilder {
        let builder = Simulator::builder()
            .production_listen(self.production)
            .sandbox_listen(self.sandbox)
            .control_listen(self.control)
            .names(self.names.clone())
            .bundle_ids(self.topics.clone())
            .latency(self.latency)
            .max_concurrent_streams(self.streams)
            .limit_rises(self.streams_rise)
            .journal_capacity(self.journal)
            .keep_headers(self.keep_bodies)
            .keep_bodies(self.keep_bodies)
            .fcm(FcmSettings {
                listen: self.fcm,
                metadata_listen: self.metadata,
                projects: self.projects.clone(),
                ..FcmSettings::default()
            })
            .mattermost(MattermostSettings {
                listen: self.mattermost,
                tls_listen: self.mattermost_tls,
                throttle_per_second: self.mattermost_throttle.unwrap_or(MattermostSettings::UNTHROTTLED),
                ..MattermostSettings::default()
            })
            .web_push(WebPushSettings { listen: self.web_push, ..WebPushSettings::default() });
        let topic = self.topics.first().map_or("", String::as_str);
        let add =
            |builder: SimulatorBuilder, id: &String| builder.channel(topic, id, StoragePolicy::MostRecent);
        self.channels.iter().fold(builder, add)
    }
}
