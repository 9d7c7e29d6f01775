//! `fanfare demo`: simulator, gateway and caller in one process, over real gRPC, TLS and HTTP/2; then it
//! checks itself.

mod plan;
mod report;
mod send;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tonic::transport::{Channel, Endpoint};

use super::Done;
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
use crate::simulator::{Environment, MattermostSettings, Simulator, VapidKey};
use crate::telemetry::{self, LogSettings};
use crate::upstream::Http;
use plan::Browsers;
use report::Report;
use send::Way;

/// Shows it all at once: simulator, gateway, pushes and their verdicts.
///
/// Without any configuration it starts stand-ins for APNs, FCM, Web Push and a Mattermost push proxy and a gateway on loopback,
/// sends pushes to good, dead, moved and throttled device tokens and subscriptions, through a stream and by single calls, prints their
/// verdicts, and checks that each push got the outcome of its token and arrived upstream as it was asked.
///
/// Exit code 0: all is as it must be; 1: there is a mismatch; 2: it could not start. It is the same where standard output
/// cannot be written.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fanfare demo\n  fanfare demo --pushes 100000 --concurrency 500 --latency 50ms"
)]
pub(super) struct Demo {
    /// Pushes to send through one SendBatch stream.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pushes: u32,
    /// Pushes to send through SendPush at the same time.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    singles: u32,
    /// SendPush calls in flight.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    concurrency: u16,
    /// How long the stand-in takes for each answer.
    #[arg(long, default_value = "0s", value_parser = |text: &str| humantime::parse_duration(text))]
    latency: Duration,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        let _log = telemetry::init(&LogSettings { filter: "warn".to_owned(), ..LogSettings::default() })?;
        let simulator = Simulator::builder()
            .latency(self.latency)
            .bundle_ids([plan::TOPIC])
            .mattermost(MattermostSettings { throttle_per_second: u64::MAX, ..MattermostSettings::default() })
            // Room for what must not arrive, too.
            .journal_capacity(2 * (self.pushes + self.singles) as usize)
            .start()
            .await
            .context("the simulator cannot start")?;
        let vapid = simulator.web_push().new_key()?;
        let browsers = Browsers::subscribe(&simulator, &vapid)?;
        let gateway = Gateway::start(config(&simulator, vapid)?, Network::default()).await?;
        let to = format!("http://{}", gateway.grpc_address());
        print_or_tell(format_args!(
            "stand-in for APNs at {}\nstand-in for FCM at {}\nstand-in for a Mattermost push proxy at {}\n\
             stand-in for browsers' push services at {}\n\
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
        print_or_tell(&report);
        simulator.shutdown().await;
        Ok(if report.is_true() { Done::Good } else { Done::Bad })
    }

    /// Sends through one stream and through calls at the same time.
    async fn send(&self, channel: Channel, browsers: &Browsers) -> (Way, Way) {
        let bar = ProgressBar::new(u64::from(self.pushes) + u64::from(self.singles));
        // A template that does not parse would leave the default look.
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
