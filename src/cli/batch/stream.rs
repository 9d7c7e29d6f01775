//! One SendBatch stream: writes items and reads their verdicts at the same time, and decides at its end which items may be
//! sent again.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tonic::Code;

use super::call::{CallEnd, Incoming, NumberedMessage, StreamEnd, TakenItems, is_own, reserve};
use super::item::Item;
use super::message;
use super::run::BatchRun;
use super::verdict::LineVerdict;
use super::worker::Worker;
use crate::cli::gateway::GatewayConnection;
use crate::proto::{self, Outcome, Reason, SendBatchResponse};

/// The most bytes of lines in flight on one stream, whatever `--in-flight` says.
const MAX_BYTES_IN_FLIGHT: usize = 64 * 1024 * 1024;

/// How often an item that the gateway hands back is sent again.
const MAX_HANDED_BACK: u32 = 8;

/// How long the stream pauses when the gateway is full. The pause doubles each time an item is handed back.
const OVERLOADED_WAIT: Duration = Duration::from_millis(100);

/// How long the stream waits for verdicts after the first signal.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// A stream and its items in flight.
pub(super) struct BatchStream<'a> {
    worker: &'a mut Worker,
    run: Arc<BatchRun>,
    /// The items that are written and have no verdict yet, by their number on the stream.
    flight: HashMap<u64, Item>,
    /// How many bytes the lines in flight have.
    bytes: usize,
    /// The number of the next item.
    next: u64,
    /// Whether items may still be written.
    writing: bool,
    /// The gateway is full, and nothing is written before this time.
    pause: Option<Instant>,
    /// The run stops, and verdicts are waited for until this time.
    give_up: Option<Instant>,
    /// When the gateway was last heard of, or began to owe a verdict.
    heard: Instant,
    /// How many items the gateway had read, if its last message said so.
    items_read: Option<u64>,
    /// Whether a verdict came that is not handed back.
    brought: bool,
    /// Why the journal cannot be written, so nothing more may be sent.
    journal_error: Option<io::Error>,
}

impl<'a> BatchStream<'a> {
    pub(super) fn new(worker: &'a mut Worker) -> Self {
        Self {
            run: Arc::clone(&worker.run),
            worker,
            flight: HashMap::new(),
            bytes: 0,
            next: 0,
            writing: true,
            pause: None,
            give_up: None,
            heard: Instant::now(),
            items_read: None,
            brought: false,
            journal_error: None,
        }
    }

    /// Runs the stream to its end. Returns how it ended, and whether it brought a verdict.
    pub(super) async fn run(mut self, connection: &GatewayConnection) -> anyhow::Result<(StreamEnd, bool)> {
        let run = Arc::clone(&self.run);
        let taken = TakenItems::default();
        // At most one message waits here. It was not sent, so its items are safe.
        let (sender, messages) = mpsc::channel(1);
        let mut sender = Some(sender);
        let mut incoming = Incoming::call(connection, messages, taken.clone());
        let (ended, safe_from) = loop {
            if !self.writing || (self.worker.exhausted && self.worker.queue.is_empty()) {
                // Without a sender, the connection half-closes the call.
                sender = None;
            }
            let (silent, open) = (self.silent_until(), incoming.is_open());
            tokio::select! {
                message = incoming.next() => match message {
                    Ok(Some(message)) => self.read(message).await?,
                    Ok(None) => {}
                    Err(end) => break self.ended(&end, taken.count()),
                },
                slot = reserve(sender.as_ref()), if open && self.has_to_write() => match slot {
                    Some(slot) => if let Some(message) = self.write() {
                        slot.send(message);
                    },
                    None => self.writing = false,
                },
                chunk = run.input.next(), if sender.is_some() && self.wants_input() => {
                    self.worker.take(chunk).await?;
                }
                () = sleep_until(self.pause.unwrap_or(silent)), if self.pause.is_some() => self.pause = None,
                () = run.stop.cancelled(), if self.give_up.is_none() => {
                    self.writing = false;
                    self.give_up = Some(Instant::now() + STOP_PATIENCE);
                }
                () = sleep_until(silent), if !open || !self.flight.is_empty() => {
                    let silence = "the gateway gave no verdict for too long (--timeout)".to_owned();
                    break (StreamEnd::Lost(silence), taken.count());
                }
                () = run.now.cancelled() => break (StreamEnd::Lost("told to stop".to_owned()), taken.count()),
            }
        };
        let verdicts = self.leave(safe_from, ended.why());
        run.results.record(verdicts).await?;
        match self.journal_error {
            None => Ok((ended, self.brought)),
            Some(error) => Err(error).context("the journal cannot be written, so nothing more was sent"),
        }
    }

    fn has_to_write(&self) -> bool {
        self.writing
            && self.pause.is_none()
            && !self.worker.queue.is_empty()
            && self.flight.len() < self.run.in_flight
            && self.bytes < MAX_BYTES_IN_FLIGHT
    }

    fn wants_input(&self) -> bool {
        self.worker.queue.is_empty() && !self.worker.exhausted
    }

    fn silent_until(&self) -> Instant {
        let silent = self.heard + self.run.timeout;
        self.give_up.map_or(silent, |give_up| give_up.min(silent))
    }

    /// Makes the next message. Returns `None` if nothing may be written yet.
    fn write(&mut self) -> Option<NumberedMessage> {
        let items = self.next_items()?;
        if let Some(journal) = &self.run.journal
            && let Err(error) = tokio::task::block_in_place(|| journal.sent(&items))
        {
            items.into_iter().rev().for_each(|item| self.worker.queue.push_front(item));
            self.cannot_note(error);
            return None;
        }
        if self.flight.is_empty() {
            self.heard = Instant::now();
        }
        let request = message::of(&self.run, self.next == 0, &items);
        for item in items {
            self.bytes += item.bytes;
            self.flight.insert(self.next, item);
            self.next += 1;
        }
        Some(NumberedMessage { request, end: self.next })
    }

    fn next_items(&mut self) -> Option<Vec<Item>> {
        let room = self.run.in_flight - self.flight.len();
        match message::take(&mut self.worker.queue, room, self.run.rate.as_ref()) {
            Ok(items) => (!items.is_empty()).then_some(items),
            Err(wait) => {
                self.pause = Some(Instant::now() + wait);
                None
            }
        }
    }

    /// Ends the sending of the whole run, because the journal cannot be written. Items in flight still get their verdict.
    fn cannot_note(&mut self, error: io::Error) {
        self.writing = false;
        self.journal_error.get_or_insert(error);
        self.run.stop.cancel();
    }

    /// Notes in the journal that the gateway did not take these items. Those that another gateway may have sent before stay
    /// in doubt.
    fn note_back(&mut self, items: &[Item]) {
        let unsent = items.iter().filter(|item| !item.in_doubt);
        if let Some(journal) = &self.run.journal
            && let Err(error) = tokio::task::block_in_place(|| journal.back(unsent))
        {
            self.cannot_note(error);
        }
    }

    /// Takes the verdicts of a message.
    async fn read(&mut self, message: SendBatchResponse) -> anyhow::Result<()> {
        self.heard = Instant::now();
        self.items_read = message.progress.as_ref().map(|progress| progress.items_read.cast_unsigned());
        if message.progress.is_some_and(|progress| progress.draining) {
            self.writing = false;
        }
        let mut back = Vec::new();
        let verdicts =
            message.results.into_iter().filter_map(|result| self.settle(result, &mut back)).collect();
        self.note_back(&back);
        self.worker.queue.extend(back);
        self.run.results.record(verdicts).await?;
        let credential = self.run.progress.outcomes.of(Outcome::Credential);
        if let Some(most) = self.run.stop_after_credential.filter(|most| credential >= *most)
            && !self.run.stop.is_cancelled()
        {
            let why = format!(
                "{credential} pushes ended with CREDENTIAL; stopping (--stop-after-credential {most})"
            );
            self.run.progress.say(&why);
            self.run.stop.cancel();
        }
        Ok(())
    }

    /// Makes the verdict of an item. Returns `None` if the item goes `back`, to be sent again.
    fn settle(&mut self, mut result: proto::PushResult, back: &mut Vec<Item>) -> Option<LineVerdict> {
        // A number that was never written, or whose item had its verdict before, names no item.
        let mut item = self.flight.remove(&result.index.cast_unsigned())?;
        self.bytes -= item.bytes;
        let handed_back = result.outcome() == Outcome::NotAttempted;
        if handed_back && result.reason() == Reason::Draining {
            self.writing = false;
        }
        let full = handed_back && result.reason() == Reason::Overloaded;
        if (full || (handed_back && result.reason() == Reason::Draining))
            && item.handed_back < MAX_HANDED_BACK
        {
            if full {
                self.pause = Some(Instant::now() + OVERLOADED_WAIT * (1 << item.handed_back));
            }
            item.handed_back += 1;
            back.push(item);
            return None;
        }
        self.brought = true;
        if item.in_doubt && result.delivery() == proto::Delivery::No {
            // This gateway did not send it, but an earlier one may have.
            result.set_delivery(proto::Delivery::Maybe);
        }
        // In the results its line names the push. The number on this stream would say nothing there.
        result.index = 0;
        Some(LineVerdict { line: item.line, occurrence: item.occurrence, result })
    }

    /// How the stream ended, and the number of the first item that the gateway surely did not read.
    fn ended(&self, end: &CallEnd, taken: u64) -> (StreamEnd, u64) {
        match end {
            CallEnd::Ok => (StreamEnd::Done, self.items_read.unwrap_or(taken)),
            CallEnd::Refused(status) => (StreamEnd::of(status), 0),
            CallEnd::Failed(status) => {
                // With one of these codes the gateway itself ends the stream, and it sent its last progress before. Any
                // other end may come from the connection, which may have lost a progress.
                let ends =
                    [Code::InvalidArgument, Code::DeadlineExceeded, Code::Aborted, Code::Unauthenticated];
                let is_last = ends.contains(&status.code()) && is_own(status);
                let read = self.items_read.filter(|_| is_last).unwrap_or(taken);
                (StreamEnd::of(status), read)
            }
        }
    }

    /// Puts the items in flight that the gateway did not read, or that may be repeated, back into the queue. Returns the
    /// verdicts of the others, which are in doubt.
    fn leave(&mut self, safe_from: u64, reason: &str) -> Vec<LineVerdict> {
        let mut left: Vec<_> = self.flight.drain().collect();
        left.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        let (mut verdicts, mut back) = (Vec::new(), Vec::new());
        for (number, mut item) in left {
            if number >= safe_from {
                back.push(item);
            } else if item.repeatable || item.dry_run {
                item.in_doubt |= !item.dry_run;
                self.worker.queue.push_front(item);
            } else {
                let detail =
                    format!("the gateway may have sent it, and was lost before its verdict: {reason}");
                verdicts.push(item.unconfirmed(&detail));
            }
        }
        self.note_back(&back);
        back.into_iter().rev().for_each(|item| self.worker.queue.push_back(item));
        verdicts.reverse();
        verdicts
    }
}
