//! A bounded queue takes the lines of the log, and one thread writes them to standard error.
//!
//! Nobody who logs waits for a disk or for the reader of a pipe: a line that finds the queue full is dropped and counted,
//! and so is a line that cannot be written. tracing-appender's writer is not used, because it bounds lines and not their
//! bytes, does not count the lines that could not be written, and never says that some are missing.

use std::io::{self, ErrorKind, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

/// How many bytes of lines may wait to be written; as many again may be on their way to standard error. These are some four
/// thousand lines, so a reader that stops for a moment misses none.
const MAX_QUEUED_BYTES: usize = 1024 * 1024;

/// A pipe that another process has made non-blocking returns an error while it is full. It is tried again after this pause.
const FULL_PIPE_PAUSE: Duration = Duration::from_millis(50);

/// The lines that wait to be written, and how many were lost.
pub(super) struct Queue {
    queued: Mutex<QueuedLines>,
    /// Notified when lines come, and when all are written.
    changed: Condvar,
    dropped: Counter,
}

#[derive(Default)]
struct QueuedLines {
    lines: Vec<u8>,
    /// Whether the thread has taken lines that it has not written yet.
    writing: bool,
    /// How many lines were dropped since the log last told of dropped lines.
    untold: u64,
}

impl Queue {
    /// Begins empty. Lines that are dropped are counted in `dropped`.
    pub(super) fn new(dropped: Counter) -> Self {
        Self { queued: Mutex::default(), changed: Condvar::new(), dropped }
    }

    /// Writes what comes, for ever. `tell` is called with the number of lost lines when writing works again, and
    /// `each_turn` at least every `turn`.
    pub(super) fn write_to(
        &self,
        mut out: impl Write,
        turn: Duration,
        tell: impl Fn(u64),
        each_turn: impl Fn(),
    ) {
        let mut lines = Vec::new();
        // A line of which only the beginning could be written is ended before the next one.
        let mut is_torn = false;
        loop {
            self.take(&mut lines, turn);
            let written = if lines.is_empty() { 0 } else { self.write(&mut out, &lines, &mut is_torn) };
            if let Some(lost) = lines.get(written..).filter(|lost| !lost.is_empty()) {
                self.drop_lines(&mut self.lock(), lost);
            } else if written > 0 {
                let untold = std::mem::take(&mut self.lock().untold);
                if untold > 0 {
                    tell(untold);
                }
            }
            lines.clear();
            each_turn();
        }
    }

    /// Waits until all lines are written or lost, but no longer than this.
    pub(super) fn flush(&self, longest: Duration) {
        let busy = |queued: &mut QueuedLines| queued.writing || !queued.lines.is_empty();
        let waited = self.changed.wait_timeout_while(self.lock(), longest, busy);
        // Whether the time ran out makes no difference: the process ends now.
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes all lines, together with their buffer.
    fn take(&self, into: &mut Vec<u8>, turn: Duration) {
        let mut queued = self.lock();
        queued.writing = false;
        self.changed.notify_all();
        let empty = |queued: &mut QueuedLines| queued.lines.is_empty();
        queued =
            self.changed.wait_timeout_while(queued, turn, empty).unwrap_or_else(PoisonError::into_inner).0;
        queued.writing = !queued.lines.is_empty();
        std::mem::swap(&mut queued.lines, into);
    }

    /// Writes lines, and returns how many bytes could be written.
    fn write(&self, out: &mut impl Write, lines: &[u8], is_torn: &mut bool) -> usize {
        let mut written = 0;
        while written < lines.len() {
            let rest: &[u8] = if *is_torn { b"\n" } else { lines.get(written..).unwrap_or_default() };
            match out.write(rest) {
                Ok(1..) if *is_torn => *is_torn = false,
                Ok(more @ 1..) => written += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    drop(self.changed.wait_timeout_while(self.lock(), FULL_PIPE_PAUSE, |_| true));
                }
                Ok(0) | Err(_) => {
                    *is_torn |= written > 0 && lines.get(written - 1) != Some(&b'\n');
                    return written;
                }
            }
        }
        written
    }

    fn drop_lines(&self, queued: &mut QueuedLines, lines: &[u8]) {
        let count = lines.iter().filter(|byte| **byte == b'\n').count().max(1) as u64;
        self.dropped.inc_by(count);
        queued.untold += count;
    }

    fn lock(&self) -> MutexGuard<'_, QueuedLines> {
        // Each change is whole before anything can panic, so a poisoned lock harms nothing.
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for &Queue {
    /// Takes a whole line, or drops it. It never fails and never waits.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut queued = self.lock();
        if line.len() > MAX_QUEUED_BYTES - queued.lines.len() {
            self.drop_lines(&mut queued, line);
        } else {
            queued.lines.extend_from_slice(line);
            self.changed.notify_all();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// What was written, or how writing fails.
    struct Disk {
        content: mpsc::SyncSender<Vec<u8>>,
        answers: Vec<io::Result<usize>>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = self.answers.pop().unwrap_or(Ok(bytes.len()))?.min(bytes.len());
            self.content.send(bytes[..taken].to_vec()).unwrap();
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A queue that writes to a disk with these answers, the last first; what it writes, and what it tells.
    fn queue(answers: Vec<io::Result<usize>>) -> (Arc<Queue>, mpsc::Receiver<Vec<u8>>, mpsc::Receiver<u64>) {
        let queue = Arc::new(Queue::new(Counter::default()));
        let (content, written) = mpsc::sync_channel(100);
        let (tell, told) = mpsc::sync_channel(100);
        let writes = Arc::clone(&queue);
        std::thread::spawn(move || {
            let disk = Disk { content, answers };
            writes.write_to(disk, SOON, |lost| tell.send(lost).unwrap(), || ());
        });
        (queue, written, told)
    }

    fn log(queue: &Queue, line: &str) {
        let mut writer = queue;
        writer.write_all(line.as_bytes()).unwrap();
        queue.flush(SOON);
    }

    #[test]
    fn lines_that_a_full_disk_did_not_take_are_counted_and_told_when_there_is_room() {
        let full = || Err(io::Error::from(ErrorKind::StorageFull));
        let (queue, written, told) = queue(vec![full(), Ok(2), full()]);
        log(&queue, "one\n");
        log(&queue, "two\n");
        log(&queue, "three\n");
        assert_eq!(told.recv_timeout(SOON).unwrap(), 2);
        assert_eq!(queue.dropped.get(), 2);
        // Of the second line only the beginning was taken.
        let all: Vec<u8> = written.try_iter().flatten().collect();
        assert_eq!(String::from_utf8(all).unwrap(), "tw\nthree\n");
    }

    #[test]
    fn a_stalled_reader_costs_a_bounded_memory_and_nobody_waits_for_it() {
        let queue = Arc::new(Queue::new(Counter::default()));
        let (reader, stalled) = io::pipe().unwrap();
        let writes = Arc::clone(&queue);
        std::thread::spawn(move || writes.write_to(stalled, SOON, |_| (), || ()));
        let line = format!("{}\n", "x".repeat(1023));
        for _ in 0..10 * 1024 {
            (&*queue).write_all(line.as_bytes()).unwrap();
            assert!(queue.lock().lines.len() <= MAX_QUEUED_BYTES);
        }
        assert!(queue.dropped.get() >= 7 * 1024, "{}", queue.dropped.get());
        queue.flush(Duration::from_millis(1));
        // A reader that dies ends the wait of the thread.
        let before = queue.dropped.get();
        drop(reader);
        queue.flush(SOON);
        assert!(queue.dropped.get() > before);
    }

    #[test]
    fn a_pipe_that_does_not_block_is_tried_until_it_takes_the_line() {
        let full = || Err(io::Error::from(ErrorKind::WouldBlock));
        let (queue, written, _) = queue(vec![full(), Ok(2), full(), full()]);
        log(&queue, "one\n");
        let all: Vec<u8> = written.try_iter().flatten().collect();
        assert_eq!(String::from_utf8(all).unwrap(), "one\n");
        assert_eq!(queue.dropped.get(), 0);
    }

    #[test]
    fn a_line_that_is_larger_than_the_queue_is_dropped() {
        let (queue, _, _) = queue(Vec::new());
        log(&queue, &"x".repeat(MAX_QUEUED_BYTES + 1));
        assert_eq!(queue.dropped.get(), 1);
    }
}
