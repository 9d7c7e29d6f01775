//! `fanfare batch`: streams a file of pushes through a gateway and records a verdict for each line.

mod call;
mod device;
mod disk_room;
mod earlier;
mod gateways;
mod identity;
mod input;
mod item;
mod journal;
mod message;
mod outcomes;
mod progress;
mod rate;
mod results;
mod retry;
mod run;
mod show;
mod stream;
mod summary;
mod table;
mod text;
mod verdict;
mod work;
mod worker;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::content::{ContentArgs, DeviceArgs, duration};
use super::done::Done;
use super::gateway::GatewayArgs;
use super::json::Schema;
use super::output::tell;
use super::signals::StopSignals;
use crate::proto;
use device::{DeviceService, Devices};
use disk_room::room_for;
use gateways::Gateways;
use identity::{LineIdentities, SharedContent};
use input::{Input, InputReader};
use item::LineReader;
use progress::{Progress, ProgressFormat};
use rate::PushRate;
use results::{OpenedResults, Results, ResultsOpener};
use retry::{RetryCase, RetryCases};
use run::{BatchRun, MulticastTemplate};
use worker::Worker;

/// How long the process may take to end by itself after a second signal.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// The longest wait that a flag may set, ten years. A longer one is of no use, and the clock could not count to its end.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Streams a file of pushes through a gateway and writes a verdict for each line.
///
/// Each line is a fanfare.push.v1.Push as ProtoJSON. If the flags give the content, each line is a device instead: a bare
/// token of the push service that --provider names; a JSON object such as {"apns":"TOKEN","id":"NAME"}, {"fcm":"TOKEN"},
/// {"mattermost":"PLATFORM:TOKEN"} or {"webPush":SUBSCRIPTION}; or a record of a CSV file, whose first record names the
/// columns: token, or endpoint, p256dh and auth; and id, which may be missing. Blank lines are skipped. A line that is no
/// push gets the verdict INVALID_PUSH, with its number. The input may be compressed by gzip.
///
/// With --results, a second run of the same command skips the pushes that have their verdict and sends the others, even if
/// lines were added, deleted, moved or mended in between: a push is known by its id, or else by its content. Pushes that
/// were in flight when a run was killed stand in FILE.journal, and the next run records them as UNCONFIRMED. UNCONFIRMED
/// pushes may have been delivered, so they are sent again only if they are repeatable.
///
/// Exit code 0: every push was accepted or validated; 1: some were not; 2: wrong usage, or no gateway can be reached; 3: the
/// run broke off, and some lines have no verdict. A run breaks off if its results cannot be written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fanfare batch pushes.ndjson --results results.ndjson
  fanfare batch tokens.txt --app shop --title Sale --body 'Half price today' --ttl 4h --results results.ndjson
  fanfare batch users.csv.gz --provider fcm --app shop --title Sale --rate 5000 --results results.ndjson
  fanfare batch pushes.ndjson --results results.ndjson --retry CREDENTIAL,QUARANTINE
  generate | fanfare batch - --app shop --results - | jq 'select(.tokenAction == \"TOKEN_ACTION_DELETE\")'
  fanfare batch pushes.ndjson --to http://a:50051,http://b:50051 --streams 4 --results results.ndjson
  fanfare batch pushes.ndjson --to https://gateway.example:50051 --token-file token.jwt --results results.ndjson")]
pub(super) struct Batch {
    /// The file of the pushes, one on each line; `-` for standard input.
    file: PathBuf,
    /// The address of the gateway; https:// means TLS. Several are separated by commas: a stream that has to connect again
    /// takes the next one.
    #[arg(long, env = "FANFARE_TO", value_delimiter = ',', default_value = "http://127.0.0.1:50051")]
    to: Vec<String>,
    #[command(flatten)]
    gateway: GatewayArgs,
    /// The app of pushes that name none, as the gateway's configuration names it.
    #[arg(long)]
    app: Option<String>,
    /// The push service of bare tokens, and of the `token` column of a CSV file.
    #[arg(long, value_enum, default_value_t = DeviceService::Apns)]
    provider: DeviceService,
    /// Read the input as CSV even if its name does not end with .csv or .csv.gz.
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    device: DeviceArgs,
    /// The file that every verdict is appended to, one on each line; `-` for standard output. Pushes that have their verdict
    /// there are skipped. Without this flag, verdicts other than ACCEPTED and VALIDATED go to standard output.
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Send pushes again that an earlier run ended with these outcomes, such as CREDENTIAL once the key is mended. QUARANTINE
    /// stands for pushes whose token action it was, once the configuration is checked.
    #[arg(long, value_name = "OUTCOME", value_delimiter = ',', requires = "results")]
    retry: Vec<RetryCase>,
    /// Stop when so many pushes have ended with CREDENTIAL. By default the run goes on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    stop_after_credential: Option<u64>,
    /// The most pushes a second that all streams send together. By default, as many as the gateway takes.
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
    /// How many streams share the input, each on a connection of its own.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=32))]
    streams: u8,
    /// The most pushes of one stream that are sent and have no verdict yet.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    in_flight: u32,
    /// How the pushes compete with those of other callers.
    #[arg(long, value_enum, default_value_t = ServiceClass::Bulk)]
    service_class: ServiceClass,
    /// Send pushes again that may have been delivered, because a duplicate does no harm.
    #[arg(long)]
    repeatable: bool,
    /// How long to try to connect again after a gateway was lost, counted from the last verdict. It should be as long as a
    /// rollout of the gateway takes.
    #[arg(long, default_value = "5m", value_parser = duration)]
    reconnect_for: Duration,
    /// Give a stream up if it brings no verdict for so long while some are due. It should be longer than the gateway may work
    /// on a push (`limits.batch_max_wait`, or the push's own `maxWait`).
    #[arg(long, default_value = "6m", value_parser = duration)]
    timeout: Duration,
    /// Write progress, messages and the summary to standard error as JSON objects, one on each line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    content: ContentArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ServiceClass {
    /// The pushes yield to single pushes.
    Bulk,
    /// The pushes go first, as single pushes do.
    Interactive,
}

impl Batch {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        self.check()?;
        let (stop, now) = (CancellationToken::new(), CancellationToken::new());
        let mut gateways = Gateways::new(&self.to, self.gateway)?;
        let mut first = Some(gateways.connect_any().await?);

        let progress = Arc::new(Progress::new(ProgressFormat::of(self.json)));
        let app = self.app.unwrap_or_default();
        let has_content = !self.content.is_empty();
        let shared = SharedContent::new(&app, &self.content, has_content.then_some(&self.device));
        let (content, retry, schema) = (shared.name(), RetryCases::new(self.retry), Schema::load()?);
        let in_flight = u64::from(self.in_flight) * u64::from(self.streams);
        let opening =
            ResultsOpener { schema: &schema, content: &content, retry: &retry, reserve: room_for(in_flight) };
        // The input is opened before the results, so that a wrong file name leaves neither results nor a journal behind.
        let raw = input::open(&self.file, &progress)?;
        let OpenedResults { sink, earlier, journal, lock } = opening.open(self.results.as_deref())?;
        let journal = journal.map(Arc::new);

        let template = MulticastTemplate {
            content: self.content.content(),
            options: proto::Options { repeatable: self.repeatable, ..self.content.options()? },
            labels: self.content.labels(),
        };
        let reading = LineReader {
            schema: Schema::load()?,
            devices: has_content.then_some(Devices { service: self.provider, apns: self.device }),
            repeatable: self.repeatable,
            dry_run: self.content.dry_run,
            once: self.content.once,
            lines: LineIdentities::new(shared),
        };
        let is_table = self.csv || is_csv(&self.file);
        let source =
            InputReader { reading, earlier, is_table, progress: Arc::clone(&progress), stop: stop.clone() };
        let input = Input::start(raw, source)?;
        let (results, writer) = Results::start(schema, content, sink, Arc::clone(&progress), stop.clone());
        let run = Arc::new(BatchRun {
            input,
            results,
            progress: Arc::clone(&progress),
            app,
            service_class: match self.service_class {
                ServiceClass::Bulk => proto::ServiceClass::Bulk,
                ServiceClass::Interactive => proto::ServiceClass::Interactive,
            },
            template,
            in_flight: self.in_flight as usize,
            journal: journal.clone(),
            rate: self.rate.map(PushRate::new),
            stop_after_credential: self.stop_after_credential,
            reconnect_for: self.reconnect_for.min(LONGEST_WAIT),
            timeout: self.timeout.min(LONGEST_WAIT),
            stop: stop.clone(),
            now: now.clone(),
        });
        let signals = StopSignals::listen()?.and_hangups()?;
        tokio::spawn(obey(signals, stop.clone(), now, Arc::clone(&progress)));

        let workers: Vec<_> = (0..usize::from(self.streams))
            .map(|stream| {
                let gateways = gateways.starting_at(stream + 1);
                tokio::spawn(Worker::new(Arc::clone(&run)).work(gateways, first.take()))
            })
            .collect();
        drop(run);
        let ended = tokio::select! {
            ended = join_all(workers) => ended,
            () = progress.show() => Vec::new(),
        };
        // The writer ends when the last worker is gone.
        let mut broken: Vec<_> = vec![writer.await.context("the writer of results failed").flatten()];
        let in_order = broken.iter().all(Result::is_ok) && ended.iter().all(Result::is_ok);
        broken.extend(ended.into_iter().map(|worker| worker.context("a stream failed").flatten()));
        // Every push that was in flight has its verdict in the results now, or was handed back: the journal says no more.
        if let Some(journal) = journal.filter(|_| in_order)
            && let Err(error) = journal.end()
        {
            progress.say(&format!("the journal beside the results cannot be removed: {error}"));
        }
        drop(lock);
        progress.clear();
        for error in broken.iter().filter_map(|end| end.as_ref().err()) {
            progress.say(&format!("error: {error:#}"));
        }
        tell(progress.summary(self.results));
        Ok(match (broken.iter().all(Result::is_ok) && !progress.has_left(), progress.all_good()) {
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
            if self.provider != DeviceService::Apns || self.csv || is_csv(&self.file) {
                bail!("a list of devices, such as a CSV file, needs a content: --title, --body or --data");
            }
        } else if self.provider != DeviceService::Apns && !self.device.is_empty() {
            bail!("--topic and --environment are of APNs devices: they need --provider apns");
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

fn is_csv(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    name.ends_with(".csv") || name.ends_with(".csv.gz")
}

/// The first signal ends reading and sending. The second one ends waiting for verdicts.
async fn obey(
    mut signals: StopSignals,
    stop: CancellationToken,
    now: CancellationToken,
    progress: Arc<Progress>,
) {
    signals.wait().await;
    stop.cancel();
    let message =
        "stopping: waiting for the verdicts of the pushes in flight; a second signal ends the waiting";
    // The message is not waited for, because whoever reads standard error may have stalled.
    tokio::task::spawn_blocking(move || progress.say(message));
    signals.wait().await;
    now.cancel();
    tokio::time::sleep(LAST_PATIENCE).await;
    // Something still hangs, such as an output that nobody reads, and must not keep the process from ending.
    std::process::exit(3);
}
