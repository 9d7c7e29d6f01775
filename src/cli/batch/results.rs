//! The results: verdicts on their way to the file, which a thread of its own writes.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::disk_room::{DiskRoom, end_of_results};
use super::earlier::EarlierResults;
use super::journal::{self, Journal, NotedPush};
use super::progress::Progress;
use super::retry::RetryCases;
use super::verdict::LineVerdict;
use crate::cli::json::Schema;

/// How many groups of verdicts may wait to be written.
const WAITING: usize = 64;

/// The file or the output that verdicts are written to.
pub(super) struct ResultsSink {
    out: Box<dyn Write + Send>,
    /// Whether ACCEPTED and VALIDATED are written too.
    all: bool,
    /// The length of a file, and the room on the disk that was taken behind it.
    room: Option<(u64, DiskRoom)>,
}

/// The results, ready to be written, and what earlier runs left there.
pub(super) struct OpenedResults {
    pub(super) sink: ResultsSink,
    pub(super) earlier: EarlierResults,
    /// The journal. Only a file has one, because nothing else can be resumed.
    pub(super) journal: Option<Journal>,
    /// The lock on the results. It is held until the journal has been removed, or another run would read both in between.
    pub(super) lock: Option<File>,
}

/// Opens the results.
pub(super) struct ResultsOpener<'a> {
    pub(super) schema: &'a Schema,
    /// The name of the content that the run sends.
    pub(super) content: &'a str,
    pub(super) retry: &'a RetryCases,
    /// How many bytes of room to take for the verdicts of pushes in flight.
    pub(super) reserve: u64,
}

impl ResultsOpener<'_> {
    /// Opens the results, reads what earlier runs wrote there, writes a verdict for each push that a killed run left in
    /// doubt, and takes room on the disk for the verdicts to come.
    pub(super) fn open(&self, results: Option<&Path>) -> anyhow::Result<OpenedResults> {
        let stdout = |all| {
            let sink = ResultsSink { out: Box::new(BufWriter::new(io::stdout())), all, room: None };
            Ok(OpenedResults { sink, earlier: EarlierResults::default(), journal: None, lock: None })
        };
        match results {
            None => stdout(false),
            Some(file) if file.as_os_str() == "-" => stdout(true),
            Some(file) => {
                self.open_file(file).with_context(|| format!("cannot use {} for results", file.display()))
            }
        }
    }

    fn open_file(&self, path: &Path) -> anyhow::Result<OpenedResults> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        if !file.metadata()?.is_file() {
            // From a pipe or a device nothing can be read back.
            let sink = ResultsSink { out: Box::new(BufWriter::new(file)), all: true, room: None };
            return Ok(OpenedResults { sink, earlier: EarlierResults::default(), journal: None, lock: None });
        }
        if file.try_lock().is_err() {
            bail!("another run writes to it");
        }
        // The path is made canonical, so that a link to the results leads to the same journal.
        let beside = journal::beside(&path.canonicalize()?);
        let left = journal::open(&beside, self.content)?;
        // The verdicts that the killed run recorded stand behind those that were there when it began.
        let from = left.as_ref().map_or(u64::MAX, |left| left.results);
        let mut settled = HashSet::new();
        let settle = |key| _ = settled.insert(key);
        let mut earlier =
            EarlierResults::read(BufReader::new(&file), self.content, self.retry, from, settle)?;
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
            earlier.doubt(noted.key(), self.retry);
            let NotedPush(id, occurrence, line) = noted;
            let why = "the run was killed while the push was in flight; it may or may not have been sent";
            let verdict = LineVerdict::unconfirmed(line, id, occurrence, why);
            write_line(self.schema, self.content, &verdict, &mut lines)?;
        }
        file.write_all(&lines)?;
        // The old journal may be overwritten only when these verdicts are safe on the disk, because it says the same.
        file.sync_data()?;
        let length = file.metadata()?.len();
        let no_room =
            || format!("the disk has no room for {} bytes of verdicts; nothing was sent", self.reserve);
        let room = DiskRoom::take(file.try_clone()?, length, self.reserve).with_context(no_room)?;
        let journal = Journal::begin(&beside, self.content, length)?;
        let lock = Some(file.try_clone()?);
        let sink = ResultsSink { out: Box::new(BufWriter::new(file)), all: true, room: Some((length, room)) };
        Ok(OpenedResults { sink, earlier, journal: Some(journal), lock })
    }
}

fn write_line(
    schema: &Schema,
    content: &str,
    verdict: &LineVerdict,
    out: &mut Vec<u8>,
) -> anyhow::Result<()> {
    let LineVerdict { line, occurrence, result } = verdict;
    let mut first = format!("\"line\":{line},\"content\":\"{content}\"");
    if *occurrence > 0 {
        first += &format!(",\"occurrence\":{occurrence}");
    }
    schema.result_line(&first, result, out)
}

/// Takes verdicts from every stream to the writer.
#[derive(Clone)]
pub(super) struct Results {
    sender: mpsc::Sender<Vec<LineVerdict>>,
    progress: Arc<Progress>,
}

/// The writer has ended, and its own error says why.
#[derive(Debug, thiserror::Error)]
#[error("results cannot be written, so nothing more is sent; what was in flight is in no results")]
pub(super) struct CannotWrite;

impl Results {
    /// Starts the writer, which ends when every clone of the returned `Results` is gone. If the disk fills up, the writer
    /// cancels `stop` to end the sending, and goes on writing the verdicts of pushes in flight.
    pub(super) fn start(
        schema: Schema,
        content: String,
        sink: ResultsSink,
        progress: Arc<Progress>,
        stop: CancellationToken,
    ) -> (Self, tokio::task::JoinHandle<anyhow::Result<()>>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let writer = tokio::task::spawn_blocking(move || write_all(&schema, &content, sink, receiver, &stop));
        (Self { sender, progress }, writer)
    }

    /// Counts the verdicts and hands them to the writer.
    pub(super) async fn record(&self, verdicts: Vec<LineVerdict>) -> Result<(), CannotWrite> {
        if verdicts.is_empty() {
            return Ok(());
        }
        for verdict in &verdicts {
            self.progress.settle(verdict);
        }
        self.sender.send(verdicts).await.map_err(|_| CannotWrite)
    }
}

fn write_all(
    schema: &Schema,
    content: &str,
    sink: ResultsSink,
    mut receiver: mpsc::Receiver<Vec<LineVerdict>>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let ResultsSink { mut out, all, mut room } = sink;
    let mut lines = Vec::new();
    let mut full = None;
    while let Some(verdicts) = receiver.blocking_recv() {
        lines.clear();
        for verdict in verdicts.iter().filter(|verdict| all || !verdict.is_good()) {
            write_line(schema, content, verdict, &mut lines)?;
        }
        // The output is flushed whenever nothing more waits, so that a reader sees each verdict as it comes.
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
                // Room for the verdicts of pushes in flight was taken before, so only the sending has to end.
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
        let opening =
            ResultsOpener { schema: &schema, content: "c", retry: &RetryCases::default(), reserve: 0 };
        let OpenedResults { sink, journal, lock, .. } = opening.open(Some(&results)).unwrap();
        drop(sink);
        assert!(opening.open(Some(&results)).is_err(), "another run writes to it");
        journal.unwrap().end().unwrap();
        drop(lock);
        assert!(opening.open(Some(&results)).is_ok());
    }
}
