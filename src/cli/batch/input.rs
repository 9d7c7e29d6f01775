//! The input, which a thread of its own reads and parses, and from which all streams take their items. It is a thread and
//! not a task of the runtime, because a read of standard input may never end and must not keep the process from ending.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::earlier::{EarlierResults, LineAction};
use super::identity::LineKey;
use super::item::{Item, LineReader, MAX_LINE_BYTES, check_id};
use super::progress::Progress;
use super::table::{BoundedRecords, Columns};
use super::text::{self, Text, read_line};
use super::verdict::LineVerdict;
use crate::proto;

/// A chunk is full when it has so many lines.
const CHUNK_ITEMS: usize = 500;

/// A chunk is full when its lines have so many bytes.
const CHUNK_BYTES: usize = 256 * 1024;

/// How many chunks are read ahead of the streams.
const CHUNKS_AHEAD: usize = 8;

/// Some lines of the input, in their order.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) items: Vec<Item>,
    /// The verdicts of lines that are no pushes.
    pub(super) bad: Vec<LineVerdict>,
    bytes: usize,
}

impl Chunk {
    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.bad.is_empty()
    }

    fn is_full(&self) -> bool {
        self.items.len() + self.bad.len() >= CHUNK_ITEMS || self.bytes >= CHUNK_BYTES
    }
}

/// The input as the streams see it: they take chunks from it.
pub(super) struct Input(Mutex<mpsc::Receiver<io::Result<Chunk>>>);

/// Reads the input, on its own thread.
pub(super) struct InputReader {
    pub(super) reading: LineReader,
    pub(super) earlier: EarlierResults,
    /// Whether the input is CSV, whose first record names the columns of the others.
    pub(super) is_table: bool,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: CancellationToken,
}

/// Opens the file; `-` is standard input.
pub(super) fn open(file: &Path, progress: &Progress) -> anyhow::Result<Box<dyn Read + Send>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(io::stdin()));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let metadata = opened.metadata()?;
    anyhow::ensure!(!metadata.is_dir(), "cannot read {}: it is a folder", file.display());
    if metadata.is_file() {
        progress.set_bytes(metadata.len());
    }
    Ok(Box::new(opened))
}

impl Input {
    /// Starts the thread that reads.
    pub(super) fn start(raw: Box<dyn Read + Send>, source: InputReader) -> anyhow::Result<Self> {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || source.read_all(raw, &sender))
            .context("cannot start the thread that reads the input")?;
        Ok(Self(Mutex::new(receiver)))
    }

    /// Waits for the next lines. Returns `None` at the end of the input. Cancel safe.
    ///
    /// # Errors
    /// Fails if the input cannot be read further.
    pub(super) async fn next(&self) -> io::Result<Option<Chunk>> {
        self.0.lock().await.recv().await.transpose()
    }
}

/// The way of chunks to the streams. Lines that were read go before the error that ended the reading.
type Sender = mpsc::Sender<io::Result<Chunk>>;

/// Why reading stopped before the end of the input.
enum Stop {
    /// The run has ended, so nobody takes chunks any more.
    RunEnded,
    Unreadable(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl InputReader {
    fn read_all(mut self, raw: Box<dyn Read + Send>, sender: &Sender) {
        let mut chunk = Chunk::default();
        let read = text::open(raw, Arc::clone(&self.progress)).map_err(Stop::Unreadable).and_then(|text| {
            if self.is_table {
                self.records(text, &mut chunk, sender)
            } else {
                self.lines(text, &mut chunk, sender)
            }
        });
        // Sending fails only if the run has ended, and then nobody is left to tell.
        let _ = match read {
            // A stream may see that this thread has gone before it sees that the run ends, and would take that for the end
            // of the input.
            Err(Stop::RunEnded) => return self.progress.leave(),
            Err(Stop::Unreadable(error)) => {
                sender.blocking_send(Ok(chunk)).and_then(|()| sender.blocking_send(Err(error)))
            }
            Ok(()) => sender.blocking_send(Ok(chunk)),
        };
    }

    fn lines(&mut self, mut text: Text, chunk: &mut Chunk, sender: &Sender) -> Result<(), Stop> {
        let mut line = Vec::new();
        for number in 1.. {
            if !read_line(&mut text, &mut line)? {
                break;
            }
            let read = if line.len() > MAX_LINE_BYTES {
                Some(Err(self.reading.too_long(number, &line)))
            } else {
                self.reading.line(number, &line)
            };
            if let Some(read) = read {
                self.take(read, line.len(), chunk);
            }
            // If the rest of the line has not come yet, what was read goes now: a program that writes slowly into a pipe
            // has each of its lines sent at once.
            let waits = !text.buffer().contains(&b'\n');
            self.pass_on(chunk, waits, sender)?;
        }
        Ok(())
    }

    fn records(&mut self, text: Text, chunk: &mut Chunk, sender: &Sender) -> Result<(), Stop> {
        let left = Rc::new(Cell::new(MAX_LINE_BYTES));
        let bounded = BoundedRecords { text, left: Rc::clone(&left) };
        // If CRLF were the end of a record, the csv crate would count one line too few. The CR stays at the end of the last
        // field, where it is trimmed.
        let terminator = csv::Terminator::Any(b'\n');
        let mut records =
            csv::ReaderBuilder::new().flexible(true).terminator(terminator).from_reader(bounded);
        let invalid = |error: anyhow::Error| io::Error::new(io::ErrorKind::InvalidData, format!("{error:#}"));
        let Some(service) = self.reading.devices.as_ref().map(|devices| devices.service) else {
            return Ok(());
        };
        let columns = Columns::find(records.headers().map_err(io::Error::from)?, service).map_err(invalid)?;
        let mut record = csv::ByteRecord::new();
        loop {
            left.set(MAX_LINE_BYTES);
            if !records.read_byte_record(&mut record).map_err(io::Error::from)? {
                return Ok(());
            }
            // A blank line may have its CR or spaces. The csv crate skips only an empty one.
            if record.len() == 1 && record.as_slice().trim_ascii().is_empty() {
                continue;
            }
            let number = record.position().map_or(0, csv::Position::line);
            let Some(devices) = &self.reading.devices else { return Ok(()) };
            let device = csv::StringRecord::from_byte_record(record.clone())
                .map_err(|_| anyhow::anyhow!("the record is not UTF-8"))
                .and_then(|record| columns.device(&record, devices))
                .and_then(|device| check_id(&device.id).map(|()| device));
            let bytes = record.as_slice().len();
            let read = match device {
                Ok(device) => Ok(self.reading.device(number, device, bytes)),
                Err(error) => {
                    let (reason, detail) = (proto::Reason::FieldInvalid, format!("{error:#}"));
                    Err(self.reading.bad(number, record.as_slice(), reason, &detail))
                }
            };
            self.take(read, bytes, chunk);
            // A chunk that is not full goes only if no other chunk waits: then a stream may be idle.
            self.pass_on(chunk, sender.capacity() == CHUNKS_AHEAD, sender)?;
        }
    }

    fn take(&self, read: Result<Item, LineVerdict>, bytes: usize, chunk: &mut Chunk) {
        self.progress.line();
        chunk.bytes += bytes;
        match read {
            Ok(mut item) => match self.earlier.next(item.key(), item.repeatable, item.dry_run) {
                LineAction::Skip { good } => self.progress.skip(good),
                LineAction::Send => chunk.items.push(item),
                LineAction::Repeat => {
                    item.in_doubt = true;
                    chunk.items.push(item);
                }
            },
            Err(bad) => {
                let key = LineKey::of(&bad.result.id, bad.occurrence);
                match self.earlier.next(key, false, false) {
                    LineAction::Skip { good } => self.progress.skip(good),
                    LineAction::Send | LineAction::Repeat => chunk.bad.push(bad),
                }
            }
        }
    }

    /// Sends the chunk if it is full, or if it must not wait for more lines.
    fn pass_on(&self, chunk: &mut Chunk, waits: bool, sender: &Sender) -> Result<(), Stop> {
        if (chunk.is_full() || (waits && !chunk.is_empty()))
            && sender.blocking_send(Ok(std::mem::take(chunk))).is_err()
        {
            return Err(Stop::RunEnded);
        }
        if self.stop.is_cancelled() { Err(Stop::RunEnded) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::super::identity::{LineIdentities, SharedContent};
    use super::super::progress::ProgressFormat;
    use super::*;
    use crate::cli::content::ContentArgs;
    use crate::cli::json::Schema;

    #[test]
    fn a_reading_that_is_stopped_leaves_lines() {
        let command = ContentArgs::augment_args(clap::Command::new("batch").no_binary_name(true));
        let content = ContentArgs::from_arg_matches(&command.get_matches_from([""; 0])).unwrap();
        let reading = LineReader {
            schema: Schema::load().unwrap(),
            devices: None,
            repeatable: false,
            dry_run: false,
            once: false,
            lines: LineIdentities::new(SharedContent::new("shop", &content, None)),
        };
        let (progress, stop) = (Arc::new(Progress::new(ProgressFormat::Lines)), CancellationToken::new());
        stop.cancel();
        let source = InputReader {
            reading,
            earlier: EarlierResults::default(),
            is_table: false,
            progress: Arc::clone(&progress),
            stop,
        };
        let (sender, mut receiver) = mpsc::channel(CHUNKS_AHEAD);
        source.read_all(Box::new(&b"no push\nno push\n"[..]), &sender);
        drop(sender);
        // A stream takes this for the end of the input, so the progress has to say that lines are left.
        while receiver.blocking_recv().is_some() {}
        assert!(progress.has_left());
    }
}
