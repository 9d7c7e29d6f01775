//! The input, read and parsed by a thread of its own and shared by all streams. A thread and not a task of the
//! runtime: a read of standard input may never end, and must not hold up the end of the process.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::earlier::Earlier;
use super::item::{Item, MAX_LINE_BYTES, Reading};
use super::progress::Tally;
use super::results::Verdict;
use crate::files::without_byte_order_mark;

/// Items of one chunk, at most.
const CHUNK_ITEMS: usize = 500;

/// A chunk is full when its lines have more bytes than this.
const CHUNK_BYTES: usize = 256 * 1024;

/// A line that is too long is skipped, but not further than this.
const MAX_SKIPPED_BYTES: u64 = 64 * 1024 * 1024;

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
}

/// What the streams take their items from.
pub(super) struct Input(Mutex<mpsc::Receiver<io::Result<Chunk>>>);

/// What the input is read with.
pub(super) struct Source {
    pub(super) reading: Reading,
    pub(super) earlier: Earlier,
    pub(super) tally: Arc<Tally>,
    pub(super) stop: CancellationToken,
}

impl Input {
    /// Begins to read `file`; `-` is standard input.
    pub(super) fn open(file: &Path, source: Source) -> anyhow::Result<Self> {
        let reader: Box<dyn Read + Send> = if file.as_os_str() == "-" {
            Box::new(io::stdin())
        } else {
            let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
            let metadata = opened.metadata()?;
            anyhow::ensure!(!metadata.is_dir(), "cannot read {}: it is a folder", file.display());
            if metadata.is_file() {
                source.tally.set_bytes(metadata.len());
            }
            Box::new(opened)
        };
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || source.read_all(BufReader::with_capacity(CHUNK_BYTES, reader), &sender))
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

impl Source {
    fn read_all(self, mut reader: impl BufReadAhead, sender: &mpsc::Sender<io::Result<Chunk>>) {
        let mut line = Vec::new();
        let mut number = 0;
        let mut chunk = Chunk::default();
        loop {
            let read = read_line(&mut reader, &mut line);
            let full = match read {
                Err(error) => {
                    // Nobody is left to tell: the run has ended already.
                    let _ = sender.blocking_send(Ok(std::mem::take(&mut chunk)));
                    let _ = sender.blocking_send(Err(error));
                    return;
                }
                Ok(None) => {
                    let _ = sender.blocking_send(Ok(chunk));
                    return;
                }
                Ok(Some(taken)) => {
                    number += 1;
                    self.tally.read(taken);
                    chunk.bytes += line.len();
                    let text = if number == 1 { without_byte_order_mark(&line) } else { &line };
                    self.take(number, text, &mut chunk);
                    chunk.items.len() + chunk.bad.len() >= CHUNK_ITEMS || chunk.bytes >= CHUNK_BYTES
                }
            };
            // A writer that trickles into a pipe sees each line sent at once.
            let waits = !chunk.is_empty() && !reader.has_line();
            if (full || waits) && sender.blocking_send(Ok(std::mem::take(&mut chunk))).is_err() {
                return;
            }
            if self.stop.is_cancelled() {
                return;
            }
        }
    }

    fn take(&self, number: u64, line: &[u8], chunk: &mut Chunk) {
        let read = if line.len() > MAX_LINE_BYTES {
            Some(Err(self.reading.too_long(number, line)))
        } else {
            self.reading.line(number, line)
        };
        let (id, dry_run) = match &read {
            None => return,
            Some(Ok(item)) => (&item.id, item.dry_run),
            Some(Err(bad)) => (&bad.result.id, false),
        };
        match (self.earlier.verdict(number, id, dry_run), read) {
            (Some(accepted), _) => self.tally.skip(accepted),
            (None, Some(Ok(item))) => chunk.items.push(item),
            (None, Some(Err(bad))) => chunk.bad.push(bad),
            (None, None) => {}
        }
    }
}

trait BufReadAhead: BufRead {
    /// Whether a whole line, or all the rest, is in the buffer.
    fn has_line(&self) -> bool;
}

impl<R: Read> BufReadAhead for BufReader<R> {
    fn has_line(&self) -> bool {
        self.buffer().contains(&b'\n')
    }
}

/// Reads a line without its end, of one that is too long only one byte more than its bound. Returns the bytes
/// that were taken from the reader; none at the end. What has no lines at all, such as a device, is not read on.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<u64>> {
    line.clear();
    let mut taken = 0_u64;
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok((taken > 0).then_some(taken));
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let text = &buffer[..end.unwrap_or(buffer.len())];
        let room = MAX_LINE_BYTES + 1 - line.len();
        line.extend_from_slice(&text[..text.len().min(room)]);
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        taken += used as u64;
        if end.is_some() {
            return Ok(Some(taken));
        }
        if taken > MAX_SKIPPED_BYTES {
            let why =
                format!("a line does not end within {MAX_SKIPPED_BYTES} bytes: this is no file of lines");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_their_bound_and_the_next_is_whole() {
        let long = "x".repeat(3 * MAX_LINE_BYTES);
        let text = format!("one\n{long}\n\ntwo");
        let mut reader = BufReader::with_capacity(100, text.as_bytes());
        let mut line = Vec::new();
        let mut lengths = Vec::new();
        let mut bytes = 0;
        while let Some(taken) = read_line(&mut reader, &mut line).unwrap() {
            lengths.push(line.len());
            bytes += taken;
        }
        assert_eq!(lengths, [3, MAX_LINE_BYTES + 1, 0, 3]);
        assert_eq!(bytes, text.len() as u64);
    }

    #[test]
    fn what_never_ends_a_line_is_not_read_for_ever() {
        let mut endless = BufReader::with_capacity(CHUNK_BYTES, io::repeat(0));
        let error = read_line(&mut endless, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("does not end within"), "{error}");
    }
}
