//! Verdicts on their way to the results file, written by a thread of its own.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::sync::mpsc;

use super::earlier::Earlier;
use super::progress::Tally;
use crate::cli::json::Schema;
use crate::proto;

/// Batches of verdicts that wait to be written.
const WAITING: usize = 64;

/// What became of one line.
pub(super) struct Verdict {
    pub(super) line: u64,
    pub(super) result: proto::PushResult,
}

impl Verdict {
    /// A line that is no push.
    pub(super) fn bad_line(line: u64, id: String, reason: proto::Reason, detail: String) -> Self {
        let mut verdict = Self::of(line, id, proto::Outcome::InvalidPush, proto::Delivery::No, reason);
        verdict.result.detail = detail;
        verdict
    }

    /// A push that may have been read by a gateway that was lost.
    pub(super) fn unconfirmed(line: u64, id: String, detail: &str) -> Self {
        let (outcome, reason) = (proto::Outcome::Unconfirmed, proto::Reason::ConnectionLost);
        let mut verdict = Self::of(line, id, outcome, proto::Delivery::Maybe, reason);
        detail.clone_into(&mut verdict.result.detail);
        verdict.result.retryable = true;
        verdict
    }

    fn of(
        line: u64,
        id: String,
        outcome: proto::Outcome,
        delivery: proto::Delivery,
        reason: proto::Reason,
    ) -> Self {
        let result = proto::PushResult {
            id,
            outcome: outcome.into(),
            delivery: delivery.into(),
            token_action: proto::TokenAction::Keep.into(),
            reason: reason.into(),
            ..proto::PushResult::default()
        };
        Self { line, result }
    }

    /// Why it is in doubt, where it is. A gateway that was lost names no provider: it said nothing.
    pub(super) fn doubt(&self) -> Option<&'static str> {
        let in_doubt = self.result.outcome() == proto::Outcome::Unconfirmed;
        let lost = self.result.provider() == proto::Provider::Unspecified;
        let reason = self.result.reason().as_str_name().trim_start_matches("REASON_");
        in_doubt.then_some(if lost { "their gateway was lost" } else { reason })
    }

    pub(super) fn is_good(&self) -> bool {
        matches!(self.result.outcome(), proto::Outcome::Accepted | proto::Outcome::Validated)
    }
}

/// Where verdicts go.
pub(super) enum Sink {
    /// All of them.
    All(Box<dyn Write + Send>),
    /// Only those that are neither ACCEPTED nor VALIDATED.
    Problems(Box<dyn Write + Send>),
}

impl Sink {
    /// Opens the results and reads what an earlier run wrote there.
    pub(super) fn open(results: Option<&Path>, repeatable: bool) -> anyhow::Result<(Self, Earlier)> {
        let stdout = || Box::new(BufWriter::new(io::stdout()));
        match results {
            None => Ok((Self::Problems(stdout()), Earlier::default())),
            Some(file) if file.as_os_str() == "-" => Ok((Self::All(stdout()), Earlier::default())),
            Some(file) => {
                let (file, earlier) = open_file(file, repeatable)
                    .with_context(|| format!("cannot use {} for results", file.display()))?;
                Ok((Self::All(Box::new(BufWriter::new(file))), earlier))
            }
        }
    }
}

fn open_file(path: &Path, repeatable: bool) -> anyhow::Result<(File, Earlier)> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    if file.try_lock().is_err() {
        bail!("another run writes to it");
    }
    if !file.metadata()?.is_file() {
        // A pipe or a device: there is nothing to read back.
        return Ok((file, Earlier::default()));
    }
    let earlier = Earlier::read(BufReader::new(&file), repeatable)?;
    // A run that was killed may have left half a line, which says nothing, or one without its end.
    file.set_len(earlier.whole())?;
    if earlier.whole() > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok((file, earlier))
}

/// The way to the results, for every stream.
#[derive(Clone)]
pub(super) struct Results {
    sender: mpsc::Sender<Vec<Verdict>>,
    tally: Arc<Tally>,
}

/// The writer knows why.
#[derive(Debug, thiserror::Error)]
#[error("results cannot be written, so nothing more is sent; what was in flight is in no results")]
pub(super) struct CannotWrite;

impl Results {
    /// Starts the writer. It ends when all that can record are gone.
    pub(super) fn start(
        schema: Schema,
        sink: Sink,
        tally: Arc<Tally>,
    ) -> (Self, tokio::task::JoinHandle<anyhow::Result<()>>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let writer = tokio::task::spawn_blocking(move || write_all(&schema, sink, receiver));
        (Self { sender, tally }, writer)
    }

    pub(super) async fn record(&self, verdicts: Vec<Verdict>) -> Result<(), CannotWrite> {
        if verdicts.is_empty() {
            return Ok(());
        }
        for verdict in &verdicts {
            self.tally.settle(verdict);
        }
        self.sender.send(verdicts).await.map_err(|_| CannotWrite)
    }
}

fn write_all(schema: &Schema, sink: Sink, mut receiver: mpsc::Receiver<Vec<Verdict>>) -> anyhow::Result<()> {
    let (mut out, all) = match sink {
        Sink::All(out) => (out, true),
        Sink::Problems(out) => (out, false),
    };
    let mut lines = Vec::new();
    while let Some(verdicts) = receiver.blocking_recv() {
        lines.clear();
        for verdict in verdicts.iter().filter(|verdict| all || !verdict.is_good()) {
            schema.result_line(verdict.line, &verdict.result, &mut lines)?;
        }
        // Flushed whenever nothing more waits, so that a reader sees each verdict as it comes.
        let written = out.write_all(&lines).and_then(|()| match receiver.is_empty() {
            true => out.flush(),
            false => Ok(()),
        });
        written.context("cannot write results")?;
    }
    out.flush().context("cannot write results")
}

/// Whether people read the standard error.
pub(super) fn people_watch() -> bool {
    io::stderr().is_terminal()
}
