//! Verdicts on their way to the results file, written by a thread of its own.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::again::Again;
use super::earlier::Earlier;
use super::journal::{self, Journal, Noted};
use super::progress::Tally;
use super::room::{Room, end_of_results};
use crate::cli::json::Schema;
use crate::proto;

/// Batches of verdicts that wait to be written.
const WAITING: usize = 64;

/// What became of one line.
pub(super) struct Verdict {
    pub(super) line: u64,
    /// Lines with the same id before it.
    pub(super) occurrence: u32,
    pub(super) result: proto::PushResult,
}

impl Verdict {
    /// A line that is no push.
    pub(super) fn bad_line(
        line: u64,
        id: String,
        occurrence: u32,
        reason: proto::Reason,
        detail: String,
    ) -> Self {
        let mut result = Self::of(id, proto::Outcome::InvalidPush, proto::Delivery::No, reason);
        result.detail = detail;
        Self { line, occurrence, result }
    }

    /// A push that may have been read by a gateway that was lost.
    pub(super) fn unconfirmed(line: u64, id: String, occurrence: u32, detail: &str) -> Self {
        let (outcome, reason) = (proto::Outcome::Unconfirmed, proto::Reason::ConnectionLost);
        let mut result = Self::of(id, outcome, proto::Delivery::Maybe, reason);
        detail.clone_into(&mut result.detail);
        result.retryable = true;
        Self { line, occurrence, result }
    }

    fn of(
        id: String,
        outcome: proto::Outcome,
        delivery: proto::Delivery,
        reason: proto::Reason,
    ) -> proto::PushResult {
        proto::PushResult {
            id,
            outcome: outcome.into(),
            delivery: delivery.into(),
            token_action: proto::TokenAction::Keep.into(),
            reason: reason.into(),
            ..proto::PushResult::default()
        }
    }

    /// Why it is in doubt, where it is. A gateway that was lost names no provider: it said nothing.
    pub(super) fn doubt(&self) -> Option<&'static str> {
        let in_doubt = self.result.outcome() == proto::Outcome::Unconfirmed;
        let lost = self.result.provider() == proto::Provider::Unspecified;
        let reason = self.result.reason().as_str_name().trim_start_matches("REASON_");
        in_doubt.then_some(if lost { "their gateway was lost" } else { reason })
    }

    /// Why it ended so, in one sentence.
    pub(super) fn cause(&self) -> String {
        match self.result.upstream_reason.as_str() {
            "" => self.result.detail.clone(),
            reason => format!("{reason}: {}", self.result.detail),
        }
    }

    pub(super) fn is_good(&self) -> bool {
        matches!(self.result.outcome(), proto::Outcome::Accepted | proto::Outcome::Validated)
    }
}

/// Where verdicts go.
pub(super) struct Sink {
    out: Box<dyn Write + Send>,
    /// ACCEPTED and VALIDATED as well.
    all: bool,
    /// Of a file: its length, and room behind it.
    room: Option<(u64, Room)>,
}

/// A sink, and what earlier runs left.
pub(super) struct Opened {
    pub(super) sink: Sink,
    pub(super) earlier: Earlier,
    /// Of a file alone: nothing else can be resumed.
    pub(super) journal: Option<Journal>,
    /// No other run takes the results while this is open: not before the journal is gone.
    pub(super) lock: Option<File>,
}

/// What results are opened with.
pub(super) struct Opening<'a> {
    pub(super) schema: &'a Schema,
    /// The name of the content.
    pub(super) content: &'a str,
    pub(super) again: &'a Again,
    /// Bytes of room for verdicts of what is in flight.
    pub(super) reserve: u64,
}

impl Opening<'_> {
    /// Opens the results, reads what earlier runs wrote there, settles what a killed one left in doubt, and takes
    /// room for what is to come.
    pub(super) fn open(&self, results: Option<&Path>) -> anyhow::Result<Opened> {
        let stdout = |all| {
            let sink = Sink { out: Box::new(BufWriter::new(io::stdout())), all, room: None };
            Ok(Opened { sink, earlier: Earlier::default(), journal: None, lock: None })
        };
        match results {
            None => stdout(false),
            Some(file) if file.as_os_str() == "-" => stdout(true),
            Some(file) => {
                self.open_file(file).with_context(|| format!("cannot use {} for results", file.display()))
            }
        }
    }

    fn open_file(&self, path: &Path) -> anyhow::Result<Opened> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        if !file.metadata()?.is_file() {
            // A pipe or a device: there is nothing to read back.
            let sink = Sink { out: Box::new(BufWriter::new(file)), all: true, room: None };
            return Ok(Opened { sink, earlier: Earlier::default(), journal: None, lock: None });
        }
        if file.try_lock().is_err() {
            bail!("another run writes to it");
        }
        // A link to the results has the same journal.
        let beside = journal::beside(&path.canonicalize()?);
        let left = journal::open(&beside, self.content)?;
        // Verdicts that the killed run recorded, behind what was there when it began.
        let from = left.as_ref().map_or(u64::MAX, |left| left.results);
        let mut settled = HashSet::new();
        let settle = |key| _ = settled.insert(key);
        let mut earlier = Earlier::read(BufReader::new(&file), self.content, self.again, from, settle)?;
        if let Some(left) = left.as_ref().filter(|left| left.results > earlier.whole()) {
            bail!(
                "its journal {} is of results that had {} bytes when their run began, and there are {}: the verdicts of \
                 earlier runs are missing. Bring the results back, or delete the journal to send without them",
                beside.display(),
                left.results,
                earlier.whole()
            );
        }
        end_of_results(&mut file, earlier.whole())?;
        let in_doubt = left.map(|left| left.in_doubt(&settled)).transpose();
        let mut lines = Vec::new();
        for noted in in_doubt.context("cannot use its journal")?.unwrap_or_default() {
            earlier.doubt(noted.key(), self.again);
            let Noted(id, occurrence, line) = noted;
            let why = "the run was killed while the push was in flight; it may or may not have been sent";
            let verdict = Verdict::unconfirmed(line, id, occurrence, why);
            write_line(self.schema, self.content, &verdict, &mut lines)?;
        }
        file.write_all(&lines)?;
        // Only when it is there may the journal that says the same begin anew.
        file.sync_data()?;
        let length = file.metadata()?.len();
        let no_room =
            || format!("the disk has no room for {} bytes of verdicts; nothing was sent", self.reserve);
        let room = Room::take(file.try_clone()?, length, self.reserve).with_context(no_room)?;
        let journal = Journal::begin(&beside, self.content, length)?;
        let lock = Some(file.try_clone()?);
        let sink = Sink { out: Box::new(BufWriter::new(file)), all: true, room: Some((length, room)) };
        Ok(Opened { sink, earlier, journal: Some(journal), lock })
    }
}

fn write_line(schema: &Schema, content: &str, verdict: &Verdict, out: &mut Vec<u8>) -> anyhow::Result<()> {
    let Verdict { line, occurrence, result } = verdict;
    let mut first = format!("\"line\":{line},\"content\":\"{content}\"");
    if *occurrence > 0 {
        first += &format!(",\"occurrence\":{occurrence}");
    }
    schema.result_line(&first, result, out)
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
    /// Starts the writer. It ends when all that can record are gone; where the disk fills up it has `stop` end the
    /// sending first.
    pub(super) fn start(
        schema: Schema,
        content: String,
        sink: Sink,
        tally: Arc<Tally>,
        stop: CancellationToken,
    ) -> (Self, tokio::task::JoinHandle<anyhow::Result<()>>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let writer = tokio::task::spawn_blocking(move || write_all(&schema, &content, sink, receiver, &stop));
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

fn write_all(
    schema: &Schema,
    content: &str,
    sink: Sink,
    mut receiver: mpsc::Receiver<Vec<Verdict>>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let Sink { mut out, all, mut room } = sink;
    let mut lines = Vec::new();
    let mut full = None;
    while let Some(verdicts) = receiver.blocking_recv() {
        lines.clear();
        for verdict in verdicts.iter().filter(|verdict| all || !verdict.is_good()) {
            write_line(schema, content, verdict, &mut lines)?;
        }
        // Flushed whenever nothing more waits, so that a reader sees each verdict as it comes.
        let written = out.write_all(&lines).and_then(|()| match receiver.is_empty() {
            true => out.flush(),
            false => Ok(()),
        });
        written.context("cannot write results")?;
        if let Some((length, room)) = &mut room {
            *length += lines.len() as u64;
            if full.is_none()
                && let Err(error) = room.keep(*length)
            {
                // What is in flight has its room already.
                stop.cancel();
                full = Some(error);
            }
        }
    }
    out.flush().context("cannot write results")?;
    drop(out);
    if let Some((_, room)) = room {
        room.give_back();
    }
    match full {
        None => Ok(()),
        Some(error) => Err(error).context("the disk has no room for more verdicts, so nothing more was sent"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_run_takes_the_results_before_the_journal_is_gone() {
        let (folder, schema) = (tempfile::tempdir().unwrap(), Schema::load().unwrap());
        let results = folder.path().join("results.ndjson");
        let opening = Opening { schema: &schema, content: "c", again: &Again::default(), reserve: 0 };
        let Opened { sink, journal, lock, .. } = opening.open(Some(&results)).unwrap();
        drop(sink);
        assert!(opening.open(Some(&results)).is_err(), "another run writes to it");
        journal.unwrap().end().unwrap();
        drop(lock);
        assert!(opening.open(Some(&results)).is_ok());
    }
}
