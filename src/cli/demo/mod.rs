//! `fanfare demo`: runs simulator, gateway and caller in one process, over real gRPC, TLS and HTTP/2, and checks what came
//! of each push.

mod breaking;
mod gateway;
mod plan;
mod report;
mod send;
mod serving;

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use fanfare_simulator::{Environment, MattermostSettings, Simulator};
use indicatif::{ProgressBar, ProgressStyle};
use tonic::transport::{Channel, Endpoint};

use super::done::Done;
use super::output::print_or_tell;
use super::signals::StopSignals;
use crate::app::{Gateway, Network};
use crate::telemetry::{self, LogSettings};
use plan::Browsers;
use report::Report;
use send::Sending;
use serving::ServedAt;

/// Shows everything at once: simulator, gateway, pushes and their verdicts.
///
/// Needs no configuration. It starts the simulator (APNs, FCM, Web Push and a Mattermost push proxy) and a gateway on
/// loopback, and sends pushes to good, dead, moved and throttled targets, through one stream and by single calls. Then it
/// prints their verdicts, and checks that each push got the outcome of its target and arrived exactly as it was asked for.
///
/// After that it breaks things. It sends the same pushes to APNs through a naive sender, which is a pooled HTTP client with three
/// retries, and through a gateway. Connections are told to go, one is reset, one of two addresses stalls, the gateway is
/// restarted, and the push service answers 503. Side by side it prints how many pushes were lost, doubled or are unknown, as the
/// push service's journal counts them.
///
/// Exit code 0: everything is as it must be; 1: there is a mismatch, or through the gateway a push was lost or doubled, called
/// what it was not, or more are unknown than can have been in flight; 2: the demo could not start. The exit code is the same if
/// standard output cannot be written.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fanfare demo\n  fanfare demo --pushes 100000 --concurrency 500 --latency 50ms\n  \
                  fanfare demo --breaking 50000\n  fanfare demo --serve"
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
    /// How many pushes to send through each of the two senders while things break. 0 leaves this part out.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    breaking: u32,
    /// Then stay, with a push now and then, until SIGTERM or SIGINT, and tell the address of the status page.
    #[arg(long)]
    serve: bool,
    /// Tell what came of it as one JSON document on standard output: `good`, `targets` with the outcomes of their pushes, `stream`,
    /// `calls`, `requests`, `connections`, `mismatches`, `breaking` with the books of both senders, and `serving` with addresses.
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        // On a terminal the log would tear the bar apart, and what goes wrong here is told below.
        let filter = if stderr().is_terminal() { "off" } else { "warn" };
        let _log = telemetry::init(&LogSettings { filter: filter.to_owned(), ..LogSettings::default() })?;
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
        let gateway = Gateway::start(gateway::config(&simulator, vapid)?, Network::default()).await?;
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
        let (streamed, single) = self.send(channel.clone(), &browsers).await;
        let report = Report::new(&streamed, &single, &simulator);
        self.say(&report);
        let broken = self.break_things().await?;
        let good = report.is_true() && broken.as_ref().is_none_or(breaking::Comparison::is_good);
        let signals = if self.serve { Some(StopSignals::listen()?) } else { None };
        let addresses = signals.is_some().then(|| ServedAt::of(&gateway));
        if self.json {
            let mut document = report.as_json();
            document["good"] = good.into();
            if let Some(broken) = &broken {
                document["breaking"] = broken.as_json();
            }
            if let Some(addresses) = &addresses {
                document["serving"] = addresses.as_json();
            }
            print_or_tell(format_args!("{document:#}"));
        } else if let Some(addresses) = &addresses {
            print_or_tell(addresses);
        }
        match signals {
            Some(signals) => {
                serving::until_told(signals, channel, self.pushes + self.singles, &browsers).await;
            }
            None => drop(channel),
        }
        gateway.shut_down().await;
        simulator.shutdown().await;
        Ok(if good { Done::Good } else { Done::Bad })
    }

    /// Sends pushes through both senders while things break, and tells what became of them.
    async fn break_things(&self) -> anyhow::Result<Option<breaking::Comparison>> {
        if self.breaking == 0 {
            return Ok(None);
        }
        self.say(format_args!(
            "\nNow {} pushes to APNs through each of two senders, while things break. Time\n\
             limits and waits of both are a tenth of what is common, and in place of the\n\
             15 minutes that Apple asks to wait after a 503, the demo waits a second.\n",
            self.breaking
        ));
        let comparison = breaking::compare(self.breaking, !self.json).await?;
        self.say(format_args!("\n{comparison}"));
        Ok(Some(comparison))
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
