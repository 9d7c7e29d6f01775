//! `fanfare batch`

mod call;
mod earlier;
mod gateways;
mod input;
mod item;
mod progress;
mod results;
mod stream;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::Done;
use super::content::{ContentArgs, DeviceArgs, duration};
use super::json::Schema;
use super::output::tell;
use super::signals::StopSignals;
use crate::proto;
use gateways::Gateways;
use input::{Input, Source};
use item::Reading;
use progress::Tally;
use results::{Results, Sink, people_watch};
use worker::{Run, Template, Worker};

/// How long the process has to end by itself after a second signal.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// Streams a file of pushes through a gateway and writes a verdict for each line.
///
/// A line is a fanfare.push.v1.Push as ProtoJSON; or, where flags say the content, a device token, or
/// {"apns":"TOKEN","id":"NAME"}. Blank lines are skipped; a line that is no push is a verdict of its own.
///
/// With --results a second run of the same command skips what has its verdict and sends the rest. A push that
/// may have been sent to a gateway that was lost is UNCONFIRMED, and sent again only with --repeatable. A run
/// that is killed, not ended by SIGINT, SIGTERM or SIGHUP, cannot write what was in flight.
///
/// Exit code 0: every line is accepted, or validated; 1: some are not; 2: wrong usage, or no gateway; 3: broken
/// off, and some lines have no verdict. A run breaks off where its results cannot be written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fanfare batch pushes.ndjson --results results.ndjson
  fanfare batch tokens.txt --app shop --title Sale --body 'Half price today' --ttl 4h --results results.ndjson
  generate | fanfare batch - --app shop --results - | jq 'select(.tokenAction == \"TOKEN_ACTION_DELETE\")'
  fanfare batch pushes.ndjson --to http://a:50051,http://b:50051 --streams 4 --results results.ndjson")]
pub(super) struct Batch {
    /// The pushes, one a line; `-` for standard input.
    file: PathBuf,
    /// The gateway. Several, with commas between: a stream that has to connect again takes the next.
    #[arg(long, env = "FANFARE_TO", value_delimiter = ',', default_value = "http://127.0.0.1:50051")]
    to: Vec<String>,
    /// The app of pushes that name none, as the gateway's configuration names it.
    #[arg(long)]
    app: Option<String>,
    #[command(flatten)]
    device: DeviceArgs,
    /// Where every verdict goes, one a line; `-` for standard output. A file is appended to, and what has its
    /// verdict there is skipped. Without it, verdicts other than ACCEPTED and VALIDATED go to standard output.
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Streams at once, each on a connection of its own. They share the input.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=32))]
    streams: u8,
    /// Pushes of one stream that are written and have no verdict.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    in_flight: u32,
    /// How the pushes compete with those of other callers.
    #[arg(long, value_enum, default_value_t = ServiceClass::Bulk)]
    service_class: ServiceClass,
    /// A duplicate does no harm: pushes that were sent and not answered may be sent again.
    #[arg(long)]
    repeatable: bool,
    /// Attempts in a row, of one stream, to connect again without a verdict in between.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=1000))]
    reconnects: u32,
    /// A stream that gives no verdict for so long, while some are due, is lost. Longer than the gateway may work
    /// on a push (`limits.batch_max_wait`, or the push's own `maxWait`).
    #[arg(long, default_value = "6m", value_parser = duration)]
    timeout: Duration,
    #[command(flatten)]
    content: ContentArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ServiceClass {
    /// Yields to single pushes.
    Bulk,
    /// Goes first, as they do.
    Interactive,
}

impl Batch {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        self.check()?;
        let (stop, now) = (CancellationToken::new(), CancellationToken::new());
        let mut gateways = Gateways::parse(&self.to)?;
        let mut first = Some(gateways.connect_any().await?);

        let (sink, earlier) = Sink::open(self.results.as_deref(), self.repeatable)?;
        let tally = Arc::new(Tally::new(people_watch()));
        let app = self.app.unwrap_or_default();
        let template = Template {
            content: self.content.content(),
            options: proto::Options { repeatable: self.repeatable, ..self.content.options()? },
            labels: self.content.labels(),
        };
        let device = (!self.content.is_empty()).then_some(self.device);
        let reading = Reading::new(Schema::load()?, &app, &self.content, device, self.repeatable)?;
        let source = Source { reading, earlier, tally: Arc::clone(&tally), stop: stop.clone() };
        let input = Input::open(&self.file, source)?;
        let (results, writer) = Results::start(Schema::load()?, sink, Arc::clone(&tally));
        let run = Arc::new(Run {
            input,
            results,
            tally: Arc::clone(&tally),
            app,
            service_class: match self.service_class {
                ServiceClass::Bulk => proto::ServiceClass::Bulk,
                ServiceClass::Interactive => proto::ServiceClass::Interactive,
            },
            template,
            in_flight: self.in_flight as usize,
            reconnects: self.reconnects,
            timeout: self.timeout,
            stop: stop.clone(),
            now: now.clone(),
        });
        let signals = StopSignals::listen()?.and_hangups()?;
        tokio::spawn(obey(signals, stop.clone(), now, Arc::clone(&tally)));

        let workers: Vec<_> = (0..usize::from(self.streams))
            .map(|stream| {
                let gateways = gateways.starting_at(stream + 1);
                tokio::spawn(Worker::new(Arc::clone(&run)).work(gateways, first.take()))
            })
            .collect();
        drop(run);
        let ended = tokio::select! {
            ended = join_all(workers) => ended,
            () = tally.show() => Vec::new(),
        };
        // The writer ends when the last stream has gone.
        let mut broken: Vec<_> = vec![writer.await.context("the writer of results failed").flatten()];
        broken.extend(ended.into_iter().map(|worker| worker.context("a stream failed").flatten()));
        tally.clear();
        for error in broken.iter().filter_map(|it| it.as_ref().err()) {
            tell(format_args!("error: {error:#}"));
        }
        tell(tally.summary(self.results));
        Ok(match (broken.iter().all(Result::is_ok) && !tally.has_left(), tally.all_good()) {
            (false, _) => Done::BrokenOff,
            (true, true) => Done::Good,
            (true, false) => Done::Bad,
        })
    }

    fn check(&self) -> anyhow::Result<()> {
        if self.content.is_empty() {
            if self.content.has_options() || !self.device.is_empty() {
                bail!(
                    "--ttl, --collapse-key, --label, --topic and --environment need a content: --title, --body or --data"
                );
            }
        } else if self.app.is_none() {
            bail!("--title, --body, --sound, --badge and --data need --app");
        }
        let same = |results: &Path| {
            let (file, results) = (self.file.canonicalize(), results.canonicalize());
            matches!((file, results), (Ok(file), Ok(results)) if file == results)
        };
        if self.results.as_deref().is_some_and(same) {
            bail!("--results names the file of the pushes");
        }
        Ok(())
    }
}

/// The first signal ends reading and sending, the second one waiting.
async fn obey(mut signals: StopSignals, stop: CancellationToken, now: CancellationToken, tally: Arc<Tally>) {
    signals.wait().await;
    stop.cancel();
    let say = "stopping: waiting for the verdicts of what was sent; a second signal ends that";
    // Not waited for: whoever reads standard error may have stalled.
    tokio::task::spawn_blocking(move || tally.say(say));
    signals.wait().await;
    now.cancel();
    tokio::time::sleep(LAST_PATIENCE).await;
    // Whatever it hangs at, such as an output that nobody reads.
    std::process::exit(3);
}
