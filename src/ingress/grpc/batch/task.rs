//! The task of one batch stream.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::{Status, Streaming};

use super::super::items::{Item, Items};
use super::super::refused::Refused;
use super::super::started::{Settled, Started};
use super::super::{Core, encode, flow_of_call};
use super::body::{Delivery, End, Last};
use super::counted::Counted;
use super::options::Options;
use super::tally::Tally;
use crate::dispatch::{NoRoom, Room, Seat, Window};
use crate::proto;
use crate::push::{Reason, ServiceClass};
use crate::upstream::Flow;

/// Items that one turn of the task admits at most, before it looks at everything else again.
const TURN: usize = 64;

/// Before the stream's deadline reading ends, so that what is open can be answered; a short stream keeps four
/// fifths.
const READING_ENDS: Duration = Duration::from_millis(200);

/// Whether the stream is read on.
enum Reading {
    /// Before the first message, which may carry options.
    First,
    On,
    /// The caller has half-closed, or the stream may read no more; with the status it ends with, if not OK.
    Ended(Option<Status>),
}

pub(super) struct Batch {
    core: Arc<Core>,
    window: Arc<Window>,
    end: End,
    deadline: Option<Instant>,
    flow: Flow,
    reading: Reading,
    items: Items,
    tally: Tally,
    /// A seat for the next item, when it had to be waited for.
    seat: Option<Seat>,
    /// Room for the next item, when it had to be waited for.
    room: Option<Room>,
    /// Since when the buffer has not been emptied though there is something to deliver.
    blocked: Option<Instant>,
}

/// What the next item waits for.
enum Need {
    Nothing,
    /// Another turn.
    Turn,
    Seat,
    Room,
}

impl Batch {
    pub(super) fn new(core: Arc<Core>, window: Arc<Window>, end: End, deadline: Option<Instant>) -> Self {
        let flow = flow_of_call(ServiceClass::Bulk);
        Self {
            core,
            window,
            end,
            deadline,
            flow,
            reading: Reading::First,
            items: Items::new(),
            tally: Tally::new(Instant::now()),
            seat: None,
            room: None,
            blocked: None,
        }
    }

    pub(super) async fn run(
        mut self,
        mut inbound: Streaming<proto::SendBatchRequest>,
        sender: mpsc::Sender<Delivery>,
    ) {
        let draining = self.core.dispatcher.draining().clone();
        let drain = draining.cancelled();
        tokio::pin!(drain);
        let mut drained = false;
        let _counted = Counted::new(self.core.metrics.batch_streams().clone());
        let begun = Instant::now();
        let reading_ends = self.deadline.map(|deadline| deadline - READING_ENDS.min((deadline - begun) / 5));
        let stall = self.core.batch.reader_stall_timeout / 4;
        let mut tick =
            tokio::time::interval(stall.clamp(Duration::from_millis(10), Duration::from_millis(100)));
        let mut in_flight = FuturesUnordered::new();
        loop {
            let need = self.admit(&mut inbound, |core, started| in_flight.push(Box::pin(started.send(core))));
            let now = Instant::now();
            if self.is_done() && in_flight.is_empty() && !self.tally.has_results() {
                return self.finish();
            }
            let window = Arc::clone(&self.window);
            let admission = Arc::clone(&self.core.admission);
            let class = self.flow.class;
            tokio::select! {
                // The caller is gone: dropping the items stops what was not written, and only that.
                () = sender.closed() => return,
                slot = sender.reserve(), if self.tally.has_message(now) => {
                    let Ok(slot) = slot else { return };
                    slot.send(self.tally.message(now));
                    self.blocked = None;
                }
                Some(settled) = in_flight.next(), if !in_flight.is_empty() => {
                    self.settle(settled);
                    // Several are ready at once where answers came in one read.
                    while let Some(Some(settled)) = in_flight.next().now_or_never() {
                        self.settle(settled);
                    }
                }
                message = inbound.message(), if self.reads() => self.read(message),
                () = tokio::task::yield_now(), if matches!(need, Need::Turn) => {}
                seat = window.enter(), if matches!(need, Need::Seat) => self.seat = Some(seat),
                room = admission.admitted(class), if matches!(need, Need::Room) => match room {
                    Ok(room) => self.room = Some(room),
                    Err(_) => self.drain(),
                },
                () = &mut drain, if !drained => {
                    drained = true;
                    self.drain();
                }
                () = tokio::time::sleep_until(reading_ends.unwrap_or(now)), if reading_ends.is_some() && !self.is_done() => {
                    self.out_of_time();
                }
                _ = tick.tick() => {
                    if self.is_stalled(Instant::now(), sender.capacity() == 0) {
                        return self.abandon();
                    }
                }
            }
        }
    }

    /// Starts what there is room for, at most a turn's worth. Messages that are there already are read in a row:
    /// many come at once, and code that runs many times over is in the processor's cache.
    fn admit(
        &mut self,
        inbound: &mut Streaming<proto::SendBatchRequest>,
        mut start: impl FnMut(Arc<Core>, Started),
    ) -> Need {
        for _ in 0..TURN {
            if self.items.is_empty() {
                if !self.reads() {
                    return Need::Nothing;
                }
                let Some(message) = inbound.message().now_or_never() else { return Need::Nothing };
                self.read(message);
                continue;
            }
            let Some(seat) = self.seat.take().or_else(|| self.window.try_enter()) else { return Need::Seat };
            let room = match self.room.take() {
                Some(room) => room,
                None => match self.core.admission.admit(self.flow.class) {
                    Ok(room) => room,
                    Err(NoRoom::Full) => {
                        self.seat = Some(seat);
                        return Need::Room;
                    }
                    Err(NoRoom::Draining) => {
                        self.drain();
                        return Need::Nothing;
                    }
                },
            };
            match self.items.next(&self.core) {
                Some(Ok(item)) => {
                    let begun = Instant::now();
                    let (room, flow) = (room.with_seat(seat), self.flow);
                    let deadline = self.item_deadline(&item, begun);
                    start(Arc::clone(&self.core), Started { item, room, flow, begun, deadline });
                }
                Some(Err((index, refused))) => self.refuse(index, *refused, || seat.into_result()),
                None => {}
            }
        }
        Need::Turn
    }

    fn item_deadline(&self, item: &Item, begun: Instant) -> Instant {
        let max_wait = item.push.body.options.max_wait.unwrap_or(self.core.batch.max_wait);
        let own = begun + max_wait;
        self.deadline.map_or(own, |deadline| own.min(deadline))
    }

    fn reads(&self) -> bool {
        self.items.is_empty() && !matches!(self.reading, Reading::Ended(_))
    }

    fn is_done(&self) -> bool {
        self.items.is_empty() && matches!(self.reading, Reading::Ended(_))
    }

    fn read(&mut self, message: Result<Option<proto::SendBatchRequest>, Status>) {
        // Where one cannot be decoded, what was read before has its verdict first.
        self.reading = match message.and_then(|message| message.map(|it| self.take(it)).transpose()) {
            Ok(Some(())) => Reading::On,
            Ok(None) => Reading::Ended(None),
            Err(status) => Reading::Ended(Some(status)),
        };
    }

    fn take(&mut self, mut message: proto::SendBatchRequest) -> Result<(), Status> {
        let first = matches!(self.reading, Reading::First);
        if let Some(options) = Options::of(message.options.take(), first)? {
            self.flow.class = options.class;
            if options.problems_only {
                self.tally.problems_only();
            }
            self.items.set_default_app(options.default_app);
        }
        self.tally.read(self.items.read(message.pushes, message.multicasts, SystemTime::now()));
        Ok(())
    }

    fn settle(&mut self, settled: Settled) {
        self.tally.settle(settled.result.outcome, || {
            let (result, room) = settled.encode();
            (result, room.into_result())
        });
    }

    /// `holds_seat` gives up the item's seat where its result is not told.
    fn refuse(&mut self, index: u64, refused: Refused, holds_seat: impl FnOnce() -> bool) {
        self.core.metrics.refused(refused.reason_name());
        self.tally.settle(refused.result.outcome, || (refused.encode(index), holds_seat()));
    }

    /// The gateway is shutting down: nothing more is read or started; what is in flight is finished.
    fn drain(&mut self) {
        self.tally.drain();
        self.end_reading(None, Reason::Draining, "the gateway is shutting down");
    }

    /// The stream's deadline comes: reading ends first, so that what is open can be answered.
    fn out_of_time(&mut self) {
        self.end_reading(
            Some(encode::out_of_time()),
            Reason::DeadlineExceeded,
            "the stream's deadline came first",
        );
    }

    fn end_reading(&mut self, status: Option<Status>, reason: Reason, detail: &'static str) {
        if !matches!(self.reading, Reading::Ended(_)) {
            self.reading = Reading::Ended(status);
        }
        (self.seat, self.room) = (None, None);
        while let Some((index, id, labels)) = self.items.skip(&self.core) {
            // It never had a seat, so it has none to give back.
            self.refuse(index, Refused::not_attempted(id, labels, reason, detail), || false);
        }
    }

    fn is_stalled(&mut self, now: Instant, full: bool) -> bool {
        if !self.tally.has_results() || !full {
            self.blocked = None;
            return false;
        }
        now - *self.blocked.get_or_insert(now) >= self.core.batch.reader_stall_timeout
    }

    /// The caller does not read: its items are let go, and its status waits for it.
    fn abandon(&self) {
        tracing::info!(items_read = self.tally.items_read(), "a batch's caller stopped reading its results");
        let status = encode::client_not_reading(self.tally.figures().collect());
        self.end(Some(status));
    }

    /// Every item that was read has its verdict, and all of them are on their way.
    fn finish(&mut self) {
        let status = match std::mem::replace(&mut self.reading, Reading::Ended(None)) {
            Reading::Ended(status) => status,
            Reading::First | Reading::On => None,
        };
        self.end(status);
    }

    fn end(&self, status: Option<Status>) {
        let last = Last { response: self.tally.last(), status };
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}
