//! The flags of `fanfare simulate`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fanfare_simulator::{
    ApnsScriptedPrefix, FaultRule, FcmScriptedWord, FcmSettings, LimitRises, MattermostSettings, Simulator,
    SimulatorBuilder, StoragePolicy, WebPushSettings, apns_scripted_prefixes, fcm_scripted_words,
    web_push_scripted_subscriptions,
};

/// Runs a simulator of APNs, FCM, Web Push and a Mattermost push proxy on loopback. It needs no account.
///
/// The simulator speaks real TLS and HTTP, verifies tokens, and checks headers and payloads. The first four hexadecimal
/// digits of a device token decide what becomes of its pushes, and so does the word before the first colon of a registration
/// token, and the name of a browser's subscription. Browsers decrypt what they are sent. A control API scripts what goes
/// wrong and reads what arrived; docs/simulator.md describes it.
///
/// Everything that a client needs is written to a folder: `ca.pem`, `AuthKey.p8`, a client certificate (`client.pem`,
/// `client-key.pem`), `service-account.json`, `authorized-user.json`, `vapid.pem`, the browsers' `subscriptions`,
/// `simulator.json`, and a `fanfare.toml` for a gateway.
///
/// The simulator runs until SIGTERM or SIGINT, and then answers the requests that are under way. SIGHUP is ignored. Exit code
/// 0: the simulator ran, even if standard output could not be written; 2: it could not start, or could not write to the
/// folder.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(in crate::cli) struct Simulate {
    /// The folder for the clients' files. It is made if it does not exist.
    #[arg(long)]
    pub(super) dir: PathBuf,
    /// The address at which APNs' production environment listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    production: SocketAddr,
    /// The address at which APNs' sandbox listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    sandbox: SocketAddr,
    /// The address at which FCM and Google's token endpoint listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    fcm: SocketAddr,
    /// The address at which Google's metadata server listens, without TLS.
    #[arg(long, default_value = "127.0.0.1:0")]
    metadata: SocketAddr,
    /// The address at which the Mattermost push proxy listens without TLS.
    #[arg(long, default_value = "127.0.0.1:0")]
    mattermost: SocketAddr,
    /// The address at which the Mattermost push proxy listens with TLS.
    #[arg(long, default_value = "127.0.0.1:0")]
    mattermost_tls: SocketAddr,
    /// The address at which the push services of browsers listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    web_push: SocketAddr,
    /// The address at which the control API listens. It authenticates nobody, so it belongs on loopback.
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Another name or address in the server certificate, beside localhost, 127.0.0.1 and ::1. May be repeated.
    #[arg(long = "san", value_name = "NAME")]
    names: Vec<String>,
    /// A bundle id of the team. May be repeated.
    #[arg(long = "topic", default_values_t = ["com.example.app".to_owned()])]
    pub(super) topics: Vec<String>,
    /// A broadcast channel of the first topic, in base64. May be repeated.
    #[arg(long = "channel", value_name = "ID", value_parser = channel)]
    channels: Vec<String>,
    /// A Firebase project. May be repeated.
    #[arg(long = "project", default_values_t = ["demo-project".to_owned(), "other-project".to_owned()])]
    pub(super) projects: Vec<String>,
    /// A fault to inject: FAULT[:VALUE][@WHEN[:VALUE]][*TIMES], see below. May be repeated.
    #[arg(long = "fault", value_name = "RULE")]
    pub(super) faults: Vec<FaultRule>,
    /// How long each answer takes.
    #[arg(long, default_value = "0s", value_parser = |text: &str| humantime::parse_duration(text))]
    latency: Duration,
    /// How many streams a connection to APNs may have, once its first provider token was good.
    #[arg(long, default_value_t = 1000)]
    streams: u32,
    /// When a connection to APNs may have them: before its first good answer, or after it. APNs was seen to do both.
    #[arg(long, value_name = "WHEN", default_value = "after-answer")]
    streams_rise: LimitRises,
    /// How many requests a second the Mattermost push proxy takes. By default it takes any number, as the real one does.
    #[arg(long, value_name = "REQUESTS")]
    mattermost_throttle: Option<u64>,
    /// How many requests the journal keeps. The newest are kept.
    #[arg(long, value_name = "ENTRIES", default_value_t = 1_000_000)]
    journal: usize,
    /// How many requests of the journal keep their headers and their body. The newest keep them.
    #[arg(long, value_name = "ENTRIES", default_value_t = 10_000)]
    keep_bodies: usize,
    /// Write nothing to standard output.
    #[arg(long, conflicts_with = "json")]
    pub(super) quiet: bool,
    /// Write JSON to standard output: what `simulator.json` has as soon as the simulator serves, and `requests` and
    /// `connections` at its end.
    #[arg(long)]
    pub(super) json: bool,
    /// How long requests that are under way may still take after SIGTERM or SIGINT.
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
    help.push_str(
        "  WORD.PROJECT:     the token belongs to that project; sent by another one, it is a mismatch\n",
    );
    help.push_str("Every other registration token is good.\n\nSubscriptions:\n");
    for row in web_push_scripted_subscriptions() {
        help.push_str(&format!("  {:<22}{}\n", row.name(), row.description));
    }
    help.push_str(
        "\nFaults. After @ stands when a fault strikes (without it: at any time), after * how often (without it: once):\n  \
         --fault 'delay:2s*always'                              each answer comes two seconds later\n  \
         --fault 'refuse:quota@service:fcm*20'                  20 refusals; also revoked_key, unavailable, internal\n  \
         --fault 'front:status=502,passed_on=true@request:5'    a reverse proxy loses the answer and says 502\n  \
         --fault 'goaway:last=before_this@request_of_each:100'  a GOAWAY excludes the request\n  \
         --fault 'reset_stream:code=7,at=before_body'           RST_STREAM with REFUSED_STREAM\n  \
         --fault 'silence@device_token:0a01'                    the request is never answered\n  \
         --fault 'expired_certificate@service:apns_production'  the certificate in the handshake has expired\n\
         docs/simulator.md describes all of them.\n",
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
