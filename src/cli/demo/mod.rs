//! `fanfare demo`: runs simulator, gateway and caller in one process, over real gRPC, TLS and HTTP/2, and checks what came
//! of each push.

mod plan;
mod report;
mod send;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use fanfare_simulator::{Environment, MattermostSettings, Simulator, VapidKey};
use fanfare_upstream::Http;
use indicatif::{ProgressBar, ProgressStyle};
use tonic::transport::{Channel, Endpoint};

use super::done::Done;
use super::output::print_or_tell;
use crate::app::{Gateway, Network};
use crate::config::{
    ApnsConfig, ApnsCredential, AppConfig, Config, FcmConfig, MattermostConfig, Trust, WebPushConfig,
};
use crate::credential::google::Source;
use crate::credential::vapid::ApplicationServer;
use crate::provider::apns::{Apns, ApnsSettings};
use crate::provider::fcm::{Fcm, FcmSettings};
use crate::provider::mattermost::{self, Mattermost};
use crate::provider::webpush::{WebPush, WebPushSettings};
use crate::push::{ApnsEnvironment, AppId};
use crate::telemetry::{self, LogSettings};
use plan::Browsers;
use report::Report;
use send::Sending;

/// The simulator has no quota, and the ramp up to Google's would only slow the demo down.
const PUSHES_PER_MINUTE: u32 = 60_000_000;

/// Shows everything at once: simulator, gateway, pushes and their verdicts.
///
/// Needs no configuration. It starts the simulator (APNs, FCM, Web Push and a Mattermost push proxy) and a gateway on
/// loopback, and sends pushes to good, dead, moved and throttled targets, through one stream and by single calls. Then it
/// prints their verdicts, and checks that each push got the outcome of its target and arrived exactly as it was asked for.
///
/// Exit code 0: everything is as it must be; 1: there is a mismatch; 2: the demo could not start. The exit code is the same if
/// standard output cannot be written.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fanfare demo\n  fanfare demo --pushes 100000 --concurrency 500 --latency 50ms"
)]
pub(super) struct Demo {
    /// How many pushes to send through one SendBatch stream.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pushes: u32,
    /// How many pushes to send by SendPush calls at the same time.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    singles: u32,
    /// How many SendPush calls may be in flight.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    concurrency: u16,
    /// How long the simulator takes for each answer.
    #[arg(long, default_value = "0s", value_parser = |text: &str| humantime::parse_duration(text))]
    latency: Duration,
    /// Tell what came of it as one JSON document on standard output: `good`, `targets` with the outcomes of their pushes, `stream`,
    /// `calls`, `requests`, `connections` and `mismatches`.
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        let _log = telemetry::init(&LogSettings { filter: "warn".to_owned(), ..LogSettings::default() })?;
        let simulator = Simulator::builder()
            .latency(self.latency)
            .bundle_ids([plan::TOPIC])
            .mattermost(MattermostSettings { throttle_per_second: u64::MAX, ..MattermostSettings::default() })
            // The journal has room for twice as many, so that requests that must not arrive are seen too.
            .journal_capacity(2 * (self.pushes + self.singles) as usize)
            .start()
            .await
            .context("the simulator cannot start")?;
        let vapid = simulator.web_push().new_key()?;
        let browsers = Browsers::subscribe(&simulator, &vapid)?;
        let gateway = Gateway::start(config(&simulator, vapid)?, Network::default()).await?;
        let to = format!("http://{}", gateway.grpc_address());
        self.say(format_args!(
            "simulated APNs at {}\nsimulated FCM at {}\nsimulated Mattermost push proxy at {}\n\
             simulated push services of browsers at {}\n\
             gateway at {to}; sending {} pushes through a stream and {} by calls\n",
            simulator.origin(Environment::Production),
            simulator.fcm().origin(),
            simulator.mattermost().origin(),
            simulator.web_push().origin(),
            self.pushes,
            self.singles
        ));

        let channel = Endpoint::from_shared(to)?.connect().await?;
        let (streamed, single) = self.send(channel, &browsers).await;

        gateway.shut_down().await;
        let report = Report::new(&streamed, &single, &simulator);
        match self.json {
            true => print_or_tell(format_args!("{:#}", report.as_json())),
            false => print_or_tell(&report),
        }
        simulator.shutdown().await;
        Ok(if report.is_true() { Done::Good } else { Done::Bad })
    }

    /// Tells people what goes on.
    fn say(&self, what: impl fmt::Display) {
        if !self.json {
            print_or_tell(what);
        }
    }

    /// Sends through one stream and through calls at the same time.
    async fn send(&self, channel: Channel, browsers: &Browsers) -> (Sending, Sending) {
        let bar = ProgressBar::new(u64::from(self.pushes) + u64::from(self.singles));
        // If the template could not be parsed, the bar would have its default look, which is no reason to fail.
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} pushes, {per_sec}") {
            bar.set_style(style);
        }
        let mut pushes = plan::pushes(self.pushes + self.singles, browsers);
        let streamed = pushes.by_ref().take(self.pushes as usize).collect();
        let single = pushes.collect();
        let ways = tokio::join!(
            send::by_stream(channel.clone(), streamed, bar.clone()),
            send::by_calls(channel, single, self.concurrency.into(), bar.clone()),
        );
        bar.finish_and_clear();
        ways
    }
}

/// A gateway on free ports of loopback, with one app that sends to the simulator.
fn config(simulator: &Simulator, vapid: VapidKey) -> anyhow::Result<Config> {
    let key = simulator.provider_key();
    let apns = ApnsConfig {
        provider: Apns::try_new(ApnsSettings {
            environment: ApnsEnvironment::Production,
            topics: vec![plan::TOPIC.to_owned()],
            certificate: false,
            unknown_push_types: false,
        })?,
        credential: ApnsCredential::token(&key.private_key_pem.clone().into(), &key.key_id, &key.team_id)?,
    };
    let account = simulator.fcm().add_service_account(&[plan::PROJECT])?;
    let fcm = FcmConfig {
        provider: Fcm::try_new(&FcmSettings { project_id: plan::PROJECT.to_owned() })?,
        credential: Arc::new(Source::from_json(&account.key_json().into())?),
        certificate: None,
        pushes_per_minute: Some(PUSHES_PER_MINUTE),
    };
    let mattermost = MattermostConfig {
        provider: Mattermost::try_new(mattermost::MattermostSettings {
            server_id: plan::SERVER_ID.to_owned(),
        })?,
        origin: simulator.mattermost().origin().parse()?,
        http: Http::Either,
        trust: None,
    };
    let web_push = WebPushConfig {
        provider: WebPush::try_new(WebPushSettings {
            hosts: vec!["localhost".to_owned()],
            any_port: true,
            ..WebPushSettings::default()
        })?,
        application_server: Arc::new(ApplicationServer::parse(&vapid.private_key_pem.into(), plan::SUBJECT)?),
        private_addresses: true,
        http: Http::Either,
    };
    let app = AppConfig {
        apns: Some(apns),
        fcm: Some(fcm),
        mattermost: Some(mattermost),
        web_push: Some(web_push),
        ..AppConfig::new(AppId::parse(plan::APP)?)
    };
    let mut config = Config::on_loopback(vec![app], Trust::of_system_and(simulator.ca_pem())?);
    config.fcm.origin = simulator.fcm().origin().parse()?;
    config.apns_production = simulator.origin(Environment::Production).parse()?;
    config.apns_sandbox = simulator.origin(Environment::Sandbox).parse()?;
    Ok(config)
}
