//! The task of one batch stream: it moves messages to the desk's batch and results to the response body.

use std::pin::pin;
use std::sync::{Arc, PoisonError};

use fanfare_upstream::coarse_now;
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::super::encode;
use super::super::items::Items;
use super::body::{End, Last, Packet};
use super::options::Options;
use super::outgoing::{Outgoing, last};
use crate::caller::Caller;
use crate::desk::{Batch, BatchEvent, Desk, TurnedAway};
use crate::ingress::contract;
use crate::proto;

/// One turn of the task offers at most so many items before it looks at everything else again.
const TURN: usize = 64;

/// How far the stream was read.
enum Reading {
    /// The first message is to come, which may carry options.
    First,
    /// Later messages are to come.
    On,
    /// The caller has half-closed, or nothing more may be read. The stream ends with this status, or with OK.
    Ended(Option<Status>),
}

/// The task of one batch stream.
pub(super) struct BatchTask {
    desk: Arc<Desk>,
    caller: Caller,
    batch: Batch,
    end: End,
    reading: Reading,
    items: Items,
    max_items: usize,
    outgoing: Outgoing,
}

impl BatchTask {
    pub(super) fn new(
        desk: Arc<Desk>,
        caller: Caller,
        batch: Batch,
        items: Items,
        max_items: usize,
        end: End,
    ) -> Self {
        let outgoing = Outgoing::new(Instant::now(), batch.progress_interval());
        Self { desk, caller, batch, end, reading: Reading::First, items, max_items, outgoing }
    }

    pub(super) async fn run(
        mut self,
        mut inbound: Streaming<proto::UnreadBatch>,
        sender: mpsc::Sender<Packet>,
        over: CancellationToken,
    ) {
        // It is asked only once the caller was told to go, since each look at a token locks it.
        let mut over = pin!(over.cancelled_owned());
        let mut leaves = false;
        loop {
            let more = self.offer(&mut inbound);
            if self.batch.is_over() && !self.outgoing.has_results() {
                return self.finish();
            }
            let now = Instant::now();
            tokio::select! {
                // The caller is gone. Dropping the batch stops the pushes that their connections have not taken yet,
                // and only those.
                () = sender.closed() => return,
                slot = sender.reserve(), if self.outgoing.has_message(now) => {
                    let Ok(slot) = slot else { return };
                    slot.send(self.outgoing.message(now, self.batch.counts()));
                    self.batch.delivered();
                }
                () = over.as_mut(), if leaves => return self.cut_off(),
                message = inbound.message(), if self.reads() => self.read(message),
                () = tokio::task::yield_now(), if more => {}
                event = self.batch.next() => match event {
                    BatchEvent::Settled(settled) => {
                        self.outgoing.settle(settled);
                        while let Some(settled) = self.batch.settled() {
                            self.outgoing.settle(settled);
                        }
                    }
                    BatchEvent::TurnsAway(why) => {
                        leaves |= why == TurnedAway::Draining;
                        self.turn_away(why);
                    }
                    BatchEvent::Tick => {
                        let waiting = self.outgoing.has_results() && sender.capacity() == 0;
                        if self.batch.is_stalled(Instant::now(), waiting) {
                            return self.abandon();
                        }
                    }
                    BatchEvent::Place => {}
                },
            }
        }
    }

    /// Offers the items for which there is a place, at most a turn's worth, and returns whether the turn was used up.
    /// Messages that are there already are read in a row: many come at once, and code that runs many times over is in
    /// the processor's cache.
    fn offer(&mut self, inbound: &mut Streaming<proto::UnreadBatch>) -> bool {
        for _ in 0..TURN {
            if self.items.is_empty() {
                if !self.reads() {
                    self.batch.close();
                    return false;
                }
                let Some(message) = inbound.message().now_or_never() else { return false };
                self.read(message);
                continue;
            }
            let Some(place) = self.batch.place() else { return false };
            if let Some(draft) = self.items.next(&self.desk, &self.caller)
                && let Err(refused) = place.offer(draft)
            {
                self.outgoing.settle(*refused);
            }
        }
        true
    }

    fn reads(&self) -> bool {
        self.items.is_empty() && !matches!(self.reading, Reading::Ended(_))
    }

    fn read(&mut self, message: Result<Option<proto::UnreadBatch>, Status>) {
        // Where a message cannot be decoded, what was read before it has its verdict first.
        self.reading = match message.and_then(|message| message.map(|it| self.take(it)).transpose()) {
            Ok(Some(())) => Reading::On,
            Ok(None) => Reading::Ended(None),
            Err(status) => Reading::Ended(Some(status)),
        };
    }

    fn take(&mut self, read: proto::UnreadBatch) -> Result<(), Status> {
        let proto::UnreadBatch { message, items } = read;
        let first = matches!(self.reading, Reading::First);
        if let Some(options) = Options::of(message.options, first)? {
            self.batch.set_class(options.class);
            if options.problems_only {
                self.outgoing.problems_only();
            }
            self.items.set_default_app(options.default_app);
        }
        let count = items.len();
        if count > self.max_items {
            return Err(encode::bad_call(&contract::too_many_items(self.max_items, count)));
        }
        self.items.read(items, coarse_now());
        self.batch.items_read(count as u64);
        self.outgoing.progressed();
        Ok(())
    }

    /// Nothing more is read, and what was read but has found no place is turned away. What is in flight goes on.
    fn turn_away(&mut self, why: TurnedAway) {
        let status = match why {
            TurnedAway::Draining => {
                self.outgoing.tell_now();
                None
            }
            TurnedAway::OutOfTime => Some(encode::out_of_time()),
            TurnedAway::CallerExpired => Some(encode::caller_expired()),
        };
        if !matches!(self.reading, Reading::Ended(_)) {
            self.reading = Reading::Ended(status);
        }
        while let Some(draft) = self.items.next(&self.desk, &self.caller) {
            self.outgoing.settle(self.batch.turn_away(draft, why));
        }
    }

    /// The caller does not read. Its items are dropped; it gets the status when it reads.
    fn abandon(self) {
        let counts = self.batch.counts();
        tracing::info!(items_read = counts.items_read, "a batch's caller stopped reading its results");
        let figures = [
            ("items_read", counts.items_read),
            ("settled", counts.settled()),
            ("undelivered", self.outgoing.undelivered() as u64),
        ];
        let figures = figures.map(|(name, count)| (name.to_owned(), count.to_string()));
        self.tell_end(Some(encode::client_not_reading(figures.into())));
    }

    /// The connection is closed in a moment. The last message says how far the stream was read; what is in flight is in doubt.
    fn cut_off(self) {
        let counts = self.batch.counts();
        let (items_read, settled) = (counts.items_read, counts.settled());
        tracing::info!(items_read, settled, "a batch outlived the grace of its connection, and is ended");
        self.tell_end(Some(encode::connection_over()));
    }

    /// Every item that was read has its verdict, and all of them are on their way.
    fn finish(mut self) {
        let status = match std::mem::replace(&mut self.reading, Reading::Ended(None)) {
            Reading::Ended(status) => status,
            Reading::First | Reading::On => None,
        };
        self.tell_end(status);
    }

    fn tell_end(&self, status: Option<Status>) {
        let last = Last { response: last(self.batch.counts()), status };
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}
