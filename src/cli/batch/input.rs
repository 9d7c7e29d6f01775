//! The input, read and parsed by a thread of its own and shared by all streams. A thread and not a task of the
//! runtime: a read of standard input may never end, and must not hold up the end of the process.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::earlier::{Earlier, Next};
use super::identity::Key;
use super::item::{Item, MAX_LINE_BYTES, Reading, check_id};
use super::progress::Tally;
use super::results::Verdict;
use super::table::{Bounded, Columns};
use super::text::{self, Text, read_line};
use crate::proto;

/// Items of one chunk, at most.
const CHUNK_ITEMS: usize = 500;

/// A chunk is full when its lines have more bytes than this.
const CHUNK_BYTES: usize = 256 * 1024;

/// Chunks that are read ahead.
const CHUNKS_AHEAD: usize = 8;

/// Some lines, in order.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) items: Vec<Item>,
    pub(super) bad: Vec<Verdict>,
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

/// What the streams take their items from.
pub(super) struct Input(Mutex<mpsc::Receiver<io::Result<Chunk>>>);

/// What the input is read with.
pub(super) struct Source {
    pub(super) reading: Reading,
    pub(super) earlier: Earlier,
    /// Its first record names the columns of the others.
    pub(super) is_table: bool,
    pub(super) tally: Arc<Tally>,
    pub(super) stop: CancellationToken,
}

/// Opens `file`; `-` is standard input.
pub(super) fn open(file: &Path, tally: &Tally) -> anyhow::Result<Box<dyn Read + Send>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(io::stdin()));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let metadata = opened.metadata()?;
    anyhow::ensure!(!metadata.is_dir(), "cannot read {}: it is a folder", file.display());
    if metadata.is_file() {
        tally.set_bytes(metadata.len());
    }
    Ok(Box::new(opened))
}

impl Input {
    /// Begins to read.
    pub(super) fn start(raw: Box<dyn Read + Send>, source: Source) -> anyhow::Result<Self> {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || source.read_all(raw, &sender))
            .context("no thread for the input")?;
        Ok(Self(Mutex::new(receiver)))
    }

    /// The next lines; none at the end. Cancel safe.
    ///
    /// # Errors
    /// When the input cannot be read on.
    pub(super) async fn next(&self) -> io::Result<Option<Chunk>> {
        self.0.lock().await.recv().await.transpose()
    }
}

/// Where chunks go. What is read has its place before what ends the reading.
type Sender = mpsc::Sender<io::Result<Chunk>>;

/// The run has ended: nobody takes chunks any more.
struct Ended;

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl From<Ended> for Stop {
    fn from(Ended: Ended) -> Self {
        Self::Ended
    }
}

/// Why reading stopped early.
enum Stop {
    Ended,
    Unreadable(io::Error),
}

impl Source {
    fn read_all(mut self, raw: Box<dyn Read + Send>, sender: &Sender) {
        let mut chunk = Chunk::default();
        let read = text::open(raw, Arc::clone(&self.tally)).map_err(Stop::Unreadable).and_then(|text| {
            if self.is_table {
                self.records(text, &mut chunk, sender)
            } else {
                self.lines(text, &mut chunk, sender)
            }
        });
        // Nobody is left to tell where the run has ended already.
        let _ = match read {
            // A stream that sees this end first would take it for that of the input.
            Err(Stop::Ended) => return self.tally.leave(),
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
            // A writer that trickles into a pipe sees each line sent at once.
            let waits = !text.buffer().contains(&b'\n');
            self.pass_on(chunk, waits, sender)?;
        }
        Ok(())
    }

    fn records(&mut self, text: Text, chunk: &mut Chunk, sender: &Sender) -> Result<(), Stop> {
        let left = Rc::new(Cell::new(MAX_LINE_BYTES));
        let bounded = Bounded { text, left: Rc::clone(&left) };
        // With CRLF the library counts a line too few; the CR stays at the last field, whose ends are trimmed.
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
            // One with its CR, or with blanks; the library skips empty ones.
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
            // Where nothing waits to be sent, this does not wait either.
            self.pass_on(chunk, sender.capacity() == CHUNKS_AHEAD, sender)?;
        }
    }

    fn take(&self, read: Result<Item, Verdict>, bytes: usize, chunk: &mut Chunk) {
        self.tally.line();
        chunk.bytes += bytes;
        match read {
            Ok(mut item) => match self.earlier.next(item.key(), item.repeatable, item.dry_run) {
                Next::Skip { good } => self.tally.skip(good),
                Next::Send => chunk.items.push(item),
                Next::Repeat => {
                    item.in_doubt = true;
                    chunk.items.push(item);
                }
            },
            Err(bad) => {
                let key = Key::of(&bad.result.id, bad.occurrence);
                match self.earlier.next(key, false, false) {
                    Next::Skip { good } => self.tally.skip(good),
                    Next::Send | Next::Repeat => chunk.bad.push(bad),
                }
            }
        }
    }

    fn pass_on(&self, chunk: &mut Chunk, waits: bool, sender: &Sender) -> Result<(), Ended> {
        if (chunk.is_full() || (waits && !chunk.is_empty()))
            && sender.blocking_send(Ok(std::mem::take(chunk))).is_err()
        {
            return Err(Ended);
        }
        if self.stop.is_cancelled() { Err(Ended) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::super::identity::{Lines, Shared};
    use super::super::progress::Show;
    use super::*;
    use crate::cli::content::ContentArgs;
    use crate::cli::json::Schema;

    #[test]
    fn a_reading_that_is_stopped_leaves_lines() {
        let command = ContentArgs::augment_args(clap::Command::new("batch").no_binary_name(true));
        let content = ContentArgs::from_arg_matches(&command.get_matches_from([""; 0])).unwrap();
        let reading = Reading {
            schema: Schema::load().unwrap(),
            devices: None,
            repeatable: false,
            dry_run: false,
            lines: Lines::new(Shared::new("shop", &content, None)),
        };
        let (tally, stop) = (Arc::new(Tally::new(Show::Lines)), CancellationToken::new());
        stop.cancel();
        let source =
            Source { reading, earlier: Earlier::default(), is_table: false, tally: Arc::clone(&tally), stop };
        let (sender, mut receiver) = mpsc::channel(CHUNKS_AHEAD);
        source.read_all(Box::new(&b"no push\nno push\n"[..]), &sender);
        drop(sender);
        // To a stream this is the end of the input.
        while receiver.blocking_recv().is_some() {}
        assert!(tally.has_left());
    }
}
