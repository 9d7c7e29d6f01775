//! A batch: pushes of one caller that go on and on. Its window bounds the items in flight together with the results
//! that are not delivered yet, so a caller that stops reading stops its own admission and nothing else.
//!
//! An ingress drives a batch from one task: it offers drafts as long as there is a place, waits for events, and tells
//! the window what it delivered.

mod counts;
mod event;
mod future_slab;
mod in_flight;
mod in_hand;
mod place;
mod settings;
mod stall;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fanfare_upstream::Flow;
use fanfare_upstream::ServiceClass;
use tokio::time::{Instant, Interval, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

pub(crate) use counts::BatchCounts;
pub use event::BatchEvent;
pub use settings::BatchSettings;

use super::admission::NoRoom;
use super::arrival::Arrival;
use super::settled::Settled;
use super::{Desk, DeskSettings, flow_of_call};
use crate::caller::Caller;
use crate::dispatch::{Seat, Window};
use crate::metrics::OpenBatch;
use in_flight::{ItemsInFlight, items_in_flight};
use in_hand::InHand;
use stall::Stall;

/// A batch stops taking drafts so long before its deadline, so that the items in flight can be answered. A short batch
/// takes drafts for four fifths of its time.
const TAKING_ENDS: Duration = Duration::from_millis(200);

/// What the desk does with the drafts of a batch.
///
/// ```text
///              offered: it is in flight, in hand until there is room, or refused
///                ┌──────┐
///                │      ▼
///  open ───────► Taking ───────────── close: there are no more drafts ─────────────┐
///                  │                                                               ▼
///                  │ the gateway drains, the batch's                             Closed ──── nothing in flight ──► over
///                  │ deadline is near, or its caller's token expired               ▲
///                  ▼                                                               │
///                TurningAway ──────── close: those at hand were turned away ───────┘
///                │      ▲
///                └──────┘
///              turned away: its result is NOT_ATTEMPTED
/// ```
///
/// Items in flight settle in each state; an item in hand is turned away when the batch stops taking drafts for one of these
/// reasons. A batch that is dropped, since its caller left or reads no results, stops the
/// pushes that their connections have not taken yet, and only those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BatchState {
    /// Drafts are taken.
    Taking,
    /// No draft is taken any more; those that the ingress still has are turned away.
    TurningAway,
    /// There are no more drafts.
    Closed,
}

/// Why a batch takes no more drafts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedAway {
    /// The gateway is shutting down, or the caller's connection has reached its age.
    Draining,
    /// The deadline of the batch is near, and its items in flight are to be answered before it.
    OutOfTime,
    /// What the caller showed has expired a while ago.
    CallerExpired,
}

/// What the next draft waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lacks {
    Nothing,
    Turn,
    Seat,
}

/// One batch.
pub struct Batch {
    desk: Arc<Desk>,
    caller: Caller,
    window: Arc<Window>,
    flow: Flow,
    state: BatchState,
    counts: BatchCounts,
    /// The number of the next item.
    next_index: u64,
    in_flight: Box<dyn ItemsInFlight>,
    /// Every item has its verdict by then.
    deadline: Option<Instant>,
    /// Comes a while before the deadline.
    taking_ends: Option<Pin<Box<Sleep>>>,
    /// Comes when the gateway drains, or the caller is told to leave its connection.
    drains: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// Comes a while after what the caller showed has expired.
    caller_expires: Option<Pin<Box<Sleep>>>,
    lacks: Lacks,
    /// When the caller's rate has a turn again, where the next item lacks one.
    turn_comes: Option<Pin<Box<Sleep>>>,
    /// Whether a turn is held for the next item, which lacks something else.
    has_turn: bool,
    /// A seat that is held for the next item, which waited for it.
    seat: Option<Seat>,
    /// An item that has a seat and lacks room. No other is taken before it has some.
    in_hand: Option<InHand>,
    /// The result of an item that was in hand when the batch took no more.
    turned_away: Option<Settled>,
    tick: Interval,
    stall: Stall,
    progress_interval: Duration,
    _open: OpenBatch,
}

impl Desk {
    /// Opens a batch.
    ///
    /// # Errors
    /// Fails if the gateway is shutting down. A full gateway opens batches, whose items wait for room.
    pub fn open(self: &Arc<Self>, caller: Caller, arrival: Arrival) -> Result<Batch, NoRoom> {
        if self.admission.is_draining() {
            self.turned_away(NoRoom::Draining);
            return Err(NoRoom::Draining);
        }
        Ok(Batch::new(self, caller, arrival))
    }
}

impl Batch {
    fn new(desk: &Arc<Desk>, caller: Caller, arrival: Arrival) -> Self {
        let DeskSettings { batch: settings, deadline_margin, .. } = &**desk.settings.load();
        let deadline = arrival.deadline_of_batch(*deadline_margin);
        let taking_ends = deadline.map(|deadline| {
            let before = TAKING_ENDS.min(deadline.saturating_duration_since(Instant::now()) / 5);
            Box::pin(tokio::time::sleep_until(deadline - before))
        });
        let caller_expires = caller.stream_ends().and_then(|ends| {
            // An expiry that no clock can hold is none.
            let wait = ends.duration_since(SystemTime::now()).unwrap_or_default();
            Some(Box::pin(tokio::time::sleep_until(Instant::now().checked_add(wait)?)))
        });
        let flow = flow_of_call(ServiceClass::Bulk, &caller);
        let window = Window::new(settings.window, settings.max_waiting);
        Self {
            caller,
            _open: window.shown_by(desk.metrics.batches()),
            window,
            flow,
            state: BatchState::Taking,
            counts: BatchCounts::default(),
            next_index: 0,
            in_flight: items_in_flight(Arc::clone(desk)),
            deadline,
            taking_ends,
            drains: Some(Box::pin(desk.dispatcher.draining().clone().cancelled_owned())),
            caller_expires,
            lacks: Lacks::Nothing,
            turn_comes: None,
            has_turn: false,
            seat: None,
            in_hand: None,
            turned_away: None,
            tick: tokio::time::interval(Stall::look_every(settings.reader_stall_timeout)),
            stall: Stall::new(settings.reader_stall_timeout),
            progress_interval: settings.progress_interval,
            desk: Arc::clone(desk),
        }
    }

    /// Says how the items compete with other pushes. They are bulk where nobody does.
    pub(crate) fn set_class(&mut self, class: ServiceClass) {
        self.flow.class = class;
    }

    /// Has the batch drain when this is cancelled, which is not after the gateway begins to drain.
    pub(crate) fn drains_at(&mut self, told_to_go: CancellationToken) {
        self.drains = Some(Box::pin(told_to_go.cancelled_owned()));
    }

    /// The window of the batch. Whoever delivers results tells it how many seats they held.
    #[must_use]
    pub(crate) fn window(&self) -> Arc<Window> {
        Arc::clone(&self.window)
    }

    /// How often its ingress says how far the batch is where it says nothing else.
    #[must_use]
    pub(crate) fn progress_interval(&self) -> Duration {
        self.progress_interval
    }

    /// How far the batch is.
    #[must_use]
    pub(crate) fn counts(&self) -> &BatchCounts {
        &self.counts
    }

    /// Counts items that were read. Most are offered when there is a place for them, later.
    pub(crate) fn items_read(&mut self, items: u64) {
        self.counts.items_read += items;
    }

    /// Says that there are no more drafts.
    pub fn close(&mut self) {
        self.stop_taking(BatchState::Closed);
    }

    /// Whether there are no more drafts, and every item has its result.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let in_hand = self.in_hand.is_some() || self.turned_away.is_some();
        self.state == BatchState::Closed && self.in_flight.is_empty() && !in_hand
    }

    /// Whether the caller has read nothing for so long that the batch is to end. `waiting` says whether results wait
    /// for the caller now and it takes none. The ingress asks at each [`BatchEvent::Tick`].
    pub(crate) fn is_stalled(&mut self, now: Instant, waiting: bool) -> bool {
        self.stall.is_over(now, waiting)
    }

    /// Tells the stall rule that the caller took results.
    pub(crate) fn delivered(&mut self) {
        self.stall.delivered();
    }

    /// What was held for the next draft goes back.
    fn stop_taking(&mut self, state: BatchState) {
        self.state = state;
        (self.lacks, self.turn_comes, self.seat) = (Lacks::Nothing, None, None);
    }
}
