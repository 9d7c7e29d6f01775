//! `fanfare batch`

mod again;
mod call;
mod device;
mod earlier;
mod gateways;
mod identity;
mod input;
mod item;
mod journal;
mod message;
mod pace;
mod progress;
mod results;
mod room;
mod stream;
mod summary;
mod table;
mod text;
mod worker;

use std::num::NonZeroU32;
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
use again::{Again, Ended};
use device::{Devices, Service};
use gateways::Gateways;
use identity::{Lines, Shared};
use input::{Input, Source};
use item::Reading;
use pace::Pace;
use progress::{Show, Tally};
use results::{Opened, Opening, Results};
use room::room_for;
use worker::{Run, Template, Worker};

/// How long the process has to end by itself after a second signal.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// Ten years: any longer wait is as good, and the clock has an end.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Streams a file of pushes through a gateway and writes a verdict for each line.
///
/// A line is a fanfare.push.v1.Push as ProtoJSON. Where flags say the content, it is a device: a token of the service
/// that --provider names; or a JSON object such as {"apns":"TOKEN","id":"NAME"}, {"fcm":"TOKEN"},
/// {"mattermost":"PLATFORM:TOKEN"} or {"webPush":SUBSCRIPTION}; or a record of a CSV file whose first record names its
/// columns (token, or endpoint, p256dh and auth; id). Blank lines are skipped; a line that is no push is a verdict of
/// its own, with its number. Input may be compressed by gzip.
///
/// With --results a second run of the same command skips what has its verdict and sends the rest, also where lines
/// were added, deleted, moved or mended since: a push is known by its id, or else by its content. What was in flight
/// when a run was killed stands in FILE.journal until the next run calls it UNCONFIRMED. UNCONFIRMED pushes may have
/// been delivered; they are sent again only where they are repeatable.
///
/// Exit code 0: every line is accepted, or validated; 1: some are not; 2: wrong usage, or no gateway; 3: broken
/// off, and some lines have no verdict. A run breaks off where its results cannot be written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fanfare batch pushes.ndjson --results results.ndjson
  fanfare batch tokens.txt --app shop --title Sale --body 'Half price today' --ttl 4h --results results.ndjson
  fanfare batch users.csv.gz --provider fcm --app shop --title Sale --rate 5000 --results results.ndjson
  fanfare batch pushes.ndjson --results results.ndjson --retry CREDENTIAL,QUARANTINE
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
    /// Whose devices bare tokens are, and the `token` column of a CSV file.
    #[arg(long, value_enum, default_value_t = Service::Apns)]
    provider: Service,
    /// The input is CSV, also where its name does not end with .csv or .csv.gz.
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    device: DeviceArgs,
    /// Where every verdict goes, one a line; `-` for standard output. A file is appended to, and what has its
    /// verdict there is skipped. Without it, verdicts other than ACCEPTED and VALIDATED go to standard output.
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Send again what an earlier run ended with these outcomes, such as CREDENTIAL after its key was mended; or with
    /// QUARANTINE, after a look at the configuration.
    #[arg(long, value_name = "OUTCOME", value_delimiter = ',', requires = "results")]
    retry: Vec<Ended>,
    /// Stop when so many pushes ended with CREDENTIAL. Default: go on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    stop_after_credential: Option<u64>,
    /// Pushes a second, of all streams together. Default: as fast as the gateway takes them.
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
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
    /// How long a gateway that was lost is looked for, from the last verdict on; as long as a rollout takes.
    #[arg(long, default_value = "5m", value_parser = duration)]
    reconnect_for: Duration,
    /// A stream that gives no verdict for so long, while some are due, is lost. Longer than the gateway may work
    /// on a push (`limits.batch_max_wait`, or the push's own `maxWait`).
    #[arg(long, default_value = "6m", value_parser = duration)]
    timeout: Duration,
    /// Progress, messages and the summary on the standard error are JSON objects, one a line.
    #[arg(long)]
    json: bool,
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

        let tally = Arc::new(Tally::new(Show::of(self.json)));
        let app = self.app.unwrap_or_default();
        let has_content = !self.content.is_empty();
        let shared = Shared::new(&app, &self.content, has_content.then_some(&self.device));
        let (content, again, schema) = (shared.name(), Again::new(self.retry), Schema::load()?);
        let in_flight = u64::from(self.in_flight) * u64::from(self.streams);
        let opening =
            Opening { schema: &schema, content: &content, again: &again, reserve: room_for(in_flight) };
        // Before the results, so that a wrong name leaves neither them nor a journal behind.
        let raw = input::open(&self.file, &tally)?;
        let Opened { sink, earlier, journal, lock } = opening.open(self.results.as_deref())?;
        let journal = journal.map(Arc::new);

        let template = Template {
            content: self.content.content(),
            options: proto::Options { repeatable: self.repeatable, ..self.content.options()? },
            labels: self.content.labels(),
        };
        let reading = Reading {
            schema: Schema::load()?,
            devices: has_content.then_some(Devices { service: self.provider, apns: self.device }),
            repeatable: self.repeatable,
            dry_run: self.content.dry_run,
            lines: Lines::new(shared),
        };
        let is_table = self.csv || is_csv(&self.file);
        let source = Source { reading, earlier, is_table, tally: Arc::clone(&tally), stop: stop.clone() };
        let input = Input::start(raw, source)?;
        let (results, writer) = Results::start(schema, content, sink, Arc::clone(&tally), stop.clone());
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
            journal: journal.clone(),
            pace: self.rate.map(Pace::new),
            stop_after_credential: self.stop_after_credential,
            reconnect_for: self.reconnect_for.min(LONGEST_WAIT),
            timeout: self.timeout.min(LONGEST_WAIT),
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
        let in_order = broken.iter().all(Result::is_ok) && ended.iter().all(Result::is_ok);
        broken.extend(ended.into_iter().map(|worker| worker.context("a stream failed").flatten()));
        // What was in flight has its verdict in the results now, or was handed back.
        if let Some(journal) = journal.filter(|_| in_order)
            && let Err(error) = journal.end()
        {
            tally.say(&format!("the journal beside the results cannot be removed: {error}"));
        }
        drop(lock);
        tally.clear();
        for error in broken.iter().filter_map(|it| it.as_ref().err()) {
            tally.say(&format!("error: {error:#}"));
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
            if self.provider != Service::Apns || self.csv || is_csv(&self.file) {
                bail!("a list of devices, such as a CSV file, needs a content: --title, --body or --data");
            }
        } else if self.provider != Service::Apns && !self.device.is_empty() {
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
