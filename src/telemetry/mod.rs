//! The log, which is readable on a terminal and JSON elsewhere. Nothing that the gateway does depends on whether a line can
//! be written: a full disk, a closed pipe or a reader that has stalled costs lines, which are counted, and nothing else.

mod queue;
mod repeats;
pub(crate) mod traces;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt};

use queue::Queue;
pub(crate) use repeats::AUDIT;
use repeats::{Repeats, TARGET};
pub use traces::{EnvironmentError, Exporting, OtlpError, TraceProtocol, TraceSettings};

/// How often the thread that writes looks whether repeated lines are to be told.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long the end of the process waits for a log that takes no lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The process has one counter, because it has one log.
static DROPPED_LINES: LazyLock<Counter> = LazyLock::new(Counter::default);

/// Returns how many lines were dropped, because the log could not be written, or not as fast as lines came.
#[must_use]
pub(crate) fn dropped_lines() -> Counter {
    DROPPED_LINES.clone()
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// How a line looks.
    pub format: LogFormat,
    /// What is logged, in the syntax of tracing-subscriber's `EnvFilter`.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info".to_owned() }
    }
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines are for people on a terminal, and JSON elsewhere.
    Auto,
    /// Lines are for people.
    Pretty,
    /// Each line is one JSON object.
    Json,
}

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be parsed.
    #[error("log filter {filter:?}: {source}")]
    Filter {
        /// The filter.
        filter: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
    /// A subscriber is set already.
    #[error("logging is set up already")]
    AlreadySet,
    /// There is no standard error to write to, or no thread that could.
    #[error("the log cannot be written: {0}")]
    Writer(#[from] io::Error),
    /// Traces cannot be exported.
    #[error("traces cannot be exported: {0}")]
    Traces(#[from] OtlpError),
}

/// The process's log. Dropping it waits until the thread that writes has written what is queued, for a moment at most.
#[must_use = "the last lines are written when it is dropped"]
pub struct Log {
    queue: Arc<Queue>,
    repeats: Repeats,
}

impl Drop for Log {
    fn drop(&mut self) {
        tell_repeated(&self.repeats, true);
        self.queue.flush(LAST_LINES);
    }
}

/// Sets the process's subscriber, which traces nothing. Lines go to standard error, so that standard output is for results.
///
/// # Errors
/// Fails if the filter does not parse, a subscriber is set already, or no thread can be had.
pub fn init(settings: &LogSettings) -> Result<Log, TelemetryError> {
    init_with_traces(settings, &TraceSettings::default()).map(|(log, _)| log)
}

/// Sets the process's subscriber, and begins to export traces where there is a collector. It is called in the runtime that exports.
///
/// # Errors
/// Fails if the filter does not parse, a subscriber is set already, no thread can be had, or TLS cannot be set up.
pub fn init_with_traces(
    settings: &LogSettings,
    traces: &TraceSettings,
) -> Result<(Log, Option<Exporting>), TelemetryError> {
    let filter = EnvFilter::try_new(&settings.filter)
        .map_err(|source| TelemetryError::Filter { filter: settings.filter.clone(), source })?;
    let people_read = io::stderr().is_terminal();
    let json = match settings.format {
        LogFormat::Auto => !people_read,
        LogFormat::Pretty => false,
        LogFormat::Json => true,
    };
    let (queue, repeats) = (Arc::new(Queue::new(dropped_lines())), Repeats::default());
    let lines = fmt::layer()
        .with_writer(Arc::clone(&queue))
        // tracing-subscriber would print its own errors to standard error, and panic where that fails.
        .log_internal_errors(false);
    // Lines have colours where people read them, unless NO_COLOR forbids that.
    let lines = if people_read { lines } else { lines.with_ansi(false) };
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if json {
        lines.json().and_then(repeats.clone()).boxed()
    } else {
        lines.and_then(repeats.clone()).boxed()
    };
    // The layer of traces is there only where they are exported, so that nobody pays for it who has none.
    let (set, exporting) = match traces::begin(traces)? {
        None => (tracing_subscriber::registry().with(lines).with(filter).try_init(), None),
        Some((spans, exporting)) => {
            let lines = lines.with_filter(traces::with_spans_of_traces(filter));
            (tracing_subscriber::registry().with(lines).with(spans).try_init(), Some(exporting))
        }
    };
    set.map_err(|_| TelemetryError::AlreadySet)?;
    // The thread has a descriptor of its own, so that whoever else prints to standard error waits for no lock that the
    // thread holds while it is stalled.
    let out = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let (writes, counts) = (Arc::clone(&queue), repeats.clone());
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writes.write_to(out, LOOK_EVERY, tell_dropped, || tell_repeated(&counts, false)))?;
    panic::set_hook(Box::new(tell_panic));
    Ok((Log { queue, repeats }, exporting))
}

fn tell_dropped(lines: u64) {
    tracing::warn!(target: TARGET, lines, "the log could not be written for a while: lines were dropped");
}

fn tell_repeated(repeats: &Repeats, all: bool) {
    for repeated in repeats.take(Instant::now(), all) {
        tracing::warn!(
            target: TARGET, times = repeated.times, line = repeated.text,
            "a line was repeated: these times it was counted and not written"
        );
    }
}

/// Logs a panic. The default hook prints to standard error instead, and would wait for ever for a reader that has stalled.
fn tell_panic(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string).unwrap_or_default();
    let said = panic.payload_as_str().unwrap_or("something that is no text");
    tracing::error!(target: TARGET, at, said, "a part of the gateway panicked, which is a bug");
}
