//! The task of one batch stream: it moves messages to the desk's batch and results to the response body.

use std::pin::pin;
use std::sync::{Arc, PoisonError};

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::body::{End, Last, Packet};
use super::options::Options;
use super::outgoing::{Outgoing, last};
use super::source::{Read, Source};
use crate::caller::Caller;
use crate::desk::{Batch, BatchEvent, Desk, TurnedAway};
use crate::ingress::contract::CallFault;

/// One turn of the task offers at most so many items before it looks at everything else again.
const TURN: usize = 64;

/// How far the stream was read.
enum Reading<F> {
    /// The first message is to come, which may carry options.
    First,
    /// Later messages are to come.
    On,
    /// The caller has ended its side, or nothing more may be read. The stream ends with this fault, or with none.
    Ended(Option<F>),
}

/// The task of one batch stream.
pub(super) struct BatchTask<S: Source> {
    desk: Arc<Desk>,
    caller: Caller,
    batch: Batch,
    end: End<S::Fault>,
    reading: Reading<S::Fault>,
    source: S,
    outgoing: Outgoing,
}

impl<S: Source> BatchTask<S> {
    pub(super) fn new(desk: Arc<Desk>, caller: Caller, batch: Batch, source: S, end: End<S::Fault>) -> Self {
        let outgoing = Outgoing::new(Instant::now(), batch.progress_interval());
        Self { desk, caller, batch, end, reading: Reading::First, source, outgoing }
    }

    /// Works on the stream until its end. `over` is cancelled a moment before the caller's connection is closed.
    pub(super) async fn run(mut self, sender: mpsc::Sender<Packet>, over: CancellationToken) {
        // It is asked only once the caller was told to go, since each look at a token locks it.
        let mut over = pin!(over.cancelled_owned());
        let mut leaves = false;
        loop {
            let more = self.offer();
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
                message = self.source.message(), if self.reads() => self.read(message),
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
    fn offer(&mut self) -> bool {
        for _ in 0..TURN {
            if self.source.is_empty() {
                if !self.reads() {
                    self.batch.close();
                    return false;
                }
                let Some(message) = self.source.message().now_or_never() else { return false };
                self.read(message);
                continue;
            }
            let Some(place) = self.batch.place() else { return false };
            if let Some(draft) = self.source.next(&self.desk, &self.caller)
                && let Err(refused) = place.offer(draft)
            {
                self.outgoing.settle(*refused);
            }
        }
        true
    }

    fn reads(&self) -> bool {
        self.source.is_empty() && !matches!(self.reading, Reading::Ended(_))
    }

    fn read(&mut self, message: Result<Option<Read<S::Items>>, S::Fault>) {
        // Where a message cannot be decoded, what was read before it has its verdict first.
        self.reading = match message.and_then(|message| message.map(|it| self.take(it)).transpose()) {
            Ok(Some(())) => Reading::On,
            Ok(None) => Reading::Ended(None),
            Err(fault) => Reading::Ended(Some(fault)),
        };
    }

    fn take(&mut self, Read { options, count, items }: Read<S::Items>) -> Result<(), S::Fault> {
        let first = matches!(self.reading, Reading::First);
        if let Some(options) = Options::of(options, first).map_err(CallFault::Bad)? {
            self.batch.set_class(options.class);
            if options.problems_only {
                self.outgoing.problems_only();
            }
            self.source.set_default_app(options.default_app);
        }
        self.source.take_in(items);
        self.batch.items_read(count as u64);
        self.outgoing.progressed();
        Ok(())
    }

    /// Nothing more is read, and what was read but has found no place is turned away. What is in flight goes on.
    fn turn_away(&mut self, why: TurnedAway) {
        let fault = match why {
            TurnedAway::Draining => {
                self.outgoing.tell_now();
                None
            }
            TurnedAway::OutOfTime => Some(CallFault::OutOfTime),
            TurnedAway::CallerExpired => Some(CallFault::CallerExpired),
        };
        if !matches!(self.reading, Reading::Ended(_)) {
            self.reading = Reading::Ended(fault.map(S::Fault::from));
        }
        while let Some(draft) = self.source.next(&self.desk, &self.caller) {
            self.outgoing.settle(self.batch.turn_away(draft, why));
        }
    }

    /// The caller does not read. Its items are dropped; it is told why when it reads.
    fn abandon(self) {
        let counts = self.batch.counts();
        tracing::info!(items_read = counts.items_read, "a batch's caller stopped reading its results");
        let fault = CallFault::NotReading {
            items_read: counts.items_read,
            settled: counts.settled(),
            undelivered: self.outgoing.undelivered() as u64,
        };
        self.tell_end(Some(fault.into()));
    }

    /// The connection is closed in a moment. The last message says how far the stream was read; what is in flight is in doubt.
    fn cut_off(self) {
        let counts = self.batch.counts();
        let (items_read, settled) = (counts.items_read, counts.settled());
        tracing::info!(items_read, settled, "a batch outlived the grace of its connection, and is ended");
        self.tell_end(Some(CallFault::ConnectionOver.into()));
    }

    /// Every item that was read has its verdict, and all of them are on their way.
    fn finish(mut self) {
        let fault = match std::mem::replace(&mut self.reading, Reading::Ended(None)) {
            Reading::Ended(fault) => fault,
            Reading::First | Reading::On => None,
        };
        self.tell_end(fault);
    }

    fn tell_end(&self, fault: Option<S::Fault>) {
        let last = Last { response: last(self.batch.counts()), fault };
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}
