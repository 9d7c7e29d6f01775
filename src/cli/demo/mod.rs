//! `fanfare demo`: simulator, gateway and caller in one process, over real gRPC, TLS and HTTP/2; then it
//! checks itself.

mod plan;
mod report;

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::SecretString;
use tonic::transport::{Channel, Endpoint};

use super::Done;
use crate::app::{Gateway, Network};
use crate::config::{ApnsConfig, ApnsCredential, AppConfig, Config};
use crate::proto::{self, push_service_client::PushServiceClient};
use crate::provider::apns::{Apns, ApnsSettings};
use crate::push::{ApnsEnvironment, AppId};
use crate::simulator::{Environment, Simulator};
use crate::telemetry::{self, LogSettings};
use plan::Planned;
use report::Report;

/// Shows it all at once, without any configuration: starts a stand-in for APNs and a gateway on loopback, sends
/// pushes to good, dead, moved and throttled device tokens, prints their verdicts, and checks that each push
/// got the outcome of its token and arrived upstream as it was asked. A mismatch is exit code 1.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fanfare demo\n  fanfare demo --pushes 100000 --concurrency 500 --latency 50ms"
)]
pub(super) struct Demo {
    /// Pushes to send.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pushes: u32,
    /// Pushes in flight.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    concurrency: u16,
    /// How long the stand-in takes for each answer.
    #[arg(long, default_value = "0s", value_parser = |text: &str| humantime::parse_duration(text))]
    latency: Duration,
}

/// What came of one push.
struct Sent {
    planned: Planned,
    result: Result<proto::PushResult, tonic::Status>,
    took: Duration,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        telemetry::init(&LogSettings { filter: "warn".to_owned(), ..LogSettings::default() })?;
        let simulator = Simulator::builder()
            .latency(self.latency)
            .bundle_ids([plan::TOPIC])
            .start()
            .await
            .context("the simulator cannot start")?;
        let gateway = Gateway::start(config(&simulator)?, Network::default()).await?;
        let to = format!("http://{}", gateway.grpc_address());
        println!("stand-in for APNs at {}", simulator.origin(Environment::Production));
        println!("gateway at {to}; sending {} pushes, {} in flight\n", self.pushes, self.concurrency);

        let channel = Endpoint::from_shared(to)?.connect().await?;
        let begun = Instant::now();
        let sent = self.send(channel).await;
        let took = begun.elapsed();

        gateway.shut_down().await;
        let report = Report::new(&sent, took, &simulator);
        println!("{report}");
        simulator.shutdown().await;
        Ok(if report.is_true() { Done::Good } else { Done::Bad })
    }

    async fn send(&self, channel: Channel) -> Vec<Sent> {
        let bar = ProgressBar::new(self.pushes.into());
        // A template that does not parse would leave the default look.
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} pushes, {per_sec}") {
            bar.set_style(style);
        }
        let sent = stream::iter(plan::pushes(self.pushes))
            .map(|planned| {
                let mut client = PushServiceClient::new(channel.clone());
                async move {
                    let request = proto::SendPushRequest { push: Some(planned.push()) };
                    let begun = Instant::now();
                    let response = client.send_push(request).await;
                    let took = begun.elapsed();
                    let result = response.and_then(|response| {
                        response.into_inner().result.ok_or_else(|| tonic::Status::internal("no result"))
                    });
                    Sent { planned, result, took }
                }
            })
            .buffer_unordered(self.concurrency.into())
            .inspect(|_| bar.inc(1))
            .collect()
            .await;
        bar.finish_and_clear();
        sent
    }
}

/// A gateway on free ports of loopback, with one app that sends to the simulator.
fn config(simulator: &Simulator) -> anyhow::Result<Config> {
    let key = simulator.provider_key();
    let apns = ApnsConfig {
        provider: Apns::try_new(ApnsSettings {
            environment: ApnsEnvironment::Production,
            topics: vec![plan::TOPIC.to_owned()],
            certificate: false,
            unknown_push_types: false,
        })?,
        credential: ApnsCredential::Token {
            key: SecretString::from(key.private_key_pem.clone()),
            key_id: key.key_id.clone(),
            team_id: key.team_id.clone(),
        },
    };
    let mut config = Config::on_loopback(vec![AppConfig {
        id: AppId::parse(plan::APP)?,
        default_ttl: None,
        apns: Some(apns),
    }]);
    config.apns_production = simulator.origin(Environment::Production).parse()?;
    config.apns_sandbox = simulator.origin(Environment::Sandbox).parse()?;
    config.extra_roots = vec![simulator.ca_pem().into()];
    Ok(config)
}
