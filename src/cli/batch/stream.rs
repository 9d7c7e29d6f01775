//! One SendBatch stream: writes items and reads their verdicts at the same time, and says at its end which
//! items may be sent again.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tonic::Code;
use tonic::transport::Channel;

use super::call::{End, Ended, Incoming, Message, Taken, is_fatal, is_own, why};
use super::item::Item;
use super::message;
use super::results::Verdict;
use super::worker::{Run, Worker};
use crate::proto::{self, Outcome, Reason, SendBatchResponse};

/// Bytes of lines in flight on one stream, whatever `--in-flight` says.
const MAX_BYTES_IN_FLIGHT: usize = 64 * 1024 * 1024;

/// Times that an item which the gateway hands back is sent again.
const MAX_HANDED_BACK: u32 = 8;

/// The wait where a gateway is full; it doubles.
const OVERLOADED_WAIT: Duration = Duration::from_millis(100);

/// How long verdicts are waited for after the first signal.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Stream<'a> {
    worker: &'a mut Worker,
    run: Arc<Run>,
    /// Written and without a verdict, by number.
    flight: HashMap<u64, Item>,
    bytes: usize,
    /// The number of the next item.
    next: u64,
    writing: bool,
    /// The gateway is full; nothing is written before.
    pause: Option<Instant>,
    /// When verdicts are not waited for any more.
    give_up: Option<Instant>,
    heard: Instant,
    /// The progress of the last message, where it had one.
    items_read: Option<u64>,
    /// A verdict came that stands.
    brought: bool,
    /// Why nothing more may be written: it cannot be noted before.
    unnoted: Option<io::Error>,
}

impl<'a> Stream<'a> {
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
            unnoted: None,
        }
    }

    /// Returns how it ended, and whether it brought a verdict.
    pub(super) async fn run(mut self, channel: Channel) -> anyhow::Result<(Ended, bool)> {
        let run = Arc::clone(&self.run);
        let taken = Taken::default();
        // One message: what waits here was never sent, and is safe.
        let (sender, messages) = mpsc::channel(1);
        let mut sender = Some(sender);
        let mut incoming = Incoming::call(channel, messages, taken.clone());
        let (ended, safe_from) = loop {
            if !self.writing || (self.worker.exhausted && self.worker.queue.is_empty()) {
                // The half-close.
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
                    break (Ended::Lost(silence), taken.count());
                }
                () = run.now.cancelled() => break (Ended::Lost("told to stop".to_owned()), taken.count()),
            }
        };
        let reason = match &ended {
            Ended::Done => "the stream ended",
            Ended::Lost(why) | Ended::Refused(why) => why,
        };
        let verdicts = self.leave(safe_from, reason);
        run.results.record(verdicts).await?;
        match self.unnoted {
            None => Ok((ended, self.brought)),
            Some(error) => Err(error).context("what is sent cannot be noted, so nothing more was sent"),
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

    /// The next message; none where it may not be written yet.
    fn write(&mut self) -> Option<Message> {
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
        Some(Message { request, end: self.next })
    }

    fn next_items(&mut self) -> Option<Vec<Item>> {
        let room = self.run.in_flight - self.flight.len();
        match message::take(&mut self.worker.queue, room, self.run.pace.as_ref()) {
            Ok(items) => (!items.is_empty()).then_some(items),
            Err(wait) => {
                self.pause = Some(Instant::now() + wait);
                None
            }
        }
    }

    /// Nothing more is sent by anybody; what is in flight gets its verdict.
    fn cannot_note(&mut self, error: io::Error) {
        self.writing = false;
        self.unnoted.get_or_insert(error);
        self.run.stop.cancel();
    }

    /// What the gateway did not take was not sent, but for what another gateway may have sent before.
    fn note_back(&mut self, items: &[Item]) {
        let unsent = items.iter().filter(|item| !item.in_doubt);
        if let Some(journal) = &self.run.journal
            && let Err(error) = tokio::task::block_in_place(|| journal.back(unsent))
        {
            self.cannot_note(error);
        }
    }

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
        let credential = self.run.tally.count(Outcome::Credential as usize);
        if let Some(most) = self.run.stop_after_credential.filter(|most| credential >= *most)
            && !self.run.stop.is_cancelled()
        {
            let why = format!(
                "{credential} pushes ended with CREDENTIAL; stopping (--stop-after-credential {most})"
            );
            self.run.tally.say(&why);
            self.run.stop.cancel();
        }
        Ok(())
    }

    /// None: the item goes `back`, to be sent again.
    fn settle(&mut self, mut result: proto::PushResult, back: &mut Vec<Item>) -> Option<Verdict> {
        // A number that was never written, or had its verdict, names nothing.
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
            // An earlier gateway may have sent it.
            result.set_delivery(proto::Delivery::Maybe);
        }
        // The line names it; the number is of a stream that nobody remembers.
        result.index = 0;
        Some(Verdict { line: item.line, occurrence: item.occurrence, result })
    }

    /// How the stream ended, and the number from which on no item was read.
    fn ended(&self, end: &End, taken: u64) -> (Ended, u64) {
        match end {
            End::Ok => (Ended::Done, self.items_read.unwrap_or(taken)),
            End::Refused(status) if is_fatal(status) => (Ended::Refused(why(status)), 0),
            End::Refused(status) => (Ended::Lost(why(status)), 0),
            End::Failed(status) => {
                // The gateway ends with its last progress where it says one of these, and nobody else does.
                let ends = [Code::InvalidArgument, Code::DeadlineExceeded, Code::Aborted];
                let is_last = ends.contains(&status.code()) && is_own(status);
                let read = self.items_read.filter(|_| is_last).unwrap_or(taken);
                let ended = if is_fatal(status) { Ended::Refused } else { Ended::Lost };
                (ended(why(status)), read)
            }
        }
    }

    /// Puts what was not read, or may be repeated, before all else that is to be sent. The rest is in doubt.
    fn leave(&mut self, safe_from: u64, reason: &str) -> Vec<Verdict> {
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

/// A place for the next message; none when the call takes no more.
async fn reserve(sender: Option<&mpsc::Sender<Message>>) -> Option<mpsc::Permit<'_, Message>> {
    sender?.reserve().await.ok()
}
