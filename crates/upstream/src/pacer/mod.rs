//! Gives turns at a pace: the shell around [`core`](crate::core), which decides.

mod line;
mod no_turn;
mod taken;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::common::Common;
use crate::core::{Limited, PaceEffect, PaceSettings, Pacing};
use crate::flow::Flow;
use crate::kind::PeerKind;
use crate::look::PaceLook;
use crate::observe::{ObservePeer, PaceReport, Report};
use crate::timer::Timer;
pub use no_turn::NoTurn;
use taken::Taken;

/// How a waiter is told.
type TellWaiter = oneshot::Sender<Told>;
type Effects = Vec<PaceEffect<TellWaiter>>;

/// What a waiter is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It has its turn.
    Turn,
    /// It has none.
    NoTurn,
    /// What it depends on is of no use now.
    TurnedAway,
}

/// Gives turns at a pace.
///
/// The pace is the lower one of two: the ceiling of its [`PaceSettings`], and a limit that it learns from the answers that
/// it is [told of](Self::limited). Where there is neither, a turn costs one atomic load.
///
/// It counts what this process sends. Processes that share a quota are each given their part of it.
pub struct Pacer {
    me: Weak<Self>,
    /// What it paces.
    origin: String,
    identity: String,
    kind: PeerKind,
    /// Whether there is any pace at this moment.
    paced: AtomicBool,
    taken: Taken,
    state: Mutex<PacerState>,
    observer: Arc<dyn ObservePeer>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// What the lock of a pacer guards.
struct PacerState {
    core: Pacing<TellWaiter>,
    timer: Timer,
    /// The pace that was last reported; 0 stands for none.
    reported: f64,
}

impl Pacer {
    pub(crate) fn new(
        settings: PaceSettings,
        (origin, identity): (String, String),
        kind: PeerKind,
        observer: Arc<dyn ObservePeer>,
        common: &Common,
    ) -> Arc<Self> {
        let now = Instant::now();
        let core = Pacing::new(now.into_std(), settings);
        let (paced, taken) = (AtomicBool::new(core.is_paced()), Taken::new(now));
        let state = Mutex::new(PacerState { core, timer: Timer::default(), reported: 0.0 });
        let (tasks, stop) = (common.tasks.clone(), common.stop.clone());
        let pacer = Arc::new_cyclic(|me| {
            let me = me.clone();
            Self { me, origin, identity, kind, paced, taken, state, observer, tasks, stop }
        });
        pacer.report_pace(&mut pacer.lock());
        pacer
    }

    /// Whether there is any pace at this moment. Where there is none, every turn is free.
    #[must_use]
    pub fn is_paced(&self) -> bool {
        self.paced.load(Ordering::Relaxed)
    }

    /// The service took a request that began at this moment, whatever became of it there.
    pub fn taken(&self, begun: Instant) {
        self.taken.count(begun);
    }

    /// The service answered a request that began at this moment with "too many requests" of its sender, or of its
    /// `target`, which a number stands for. What is said of targets lowers the pace only where many different ones make a
    /// part of the recent answers, since one device that gets too much says nothing of the service.
    pub fn limited(&self, begun: Instant, target: Option<u64>) {
        let now = Instant::now();
        let (taken, taken_per_second) = (self.taken.all(), self.taken.per_second(begun, now));
        let limited = Limited { begun: begun.into_std(), target, taken_per_second, taken };
        self.on(|core, effects| core.limited(now.into_std(), limited, effects));
    }

    /// Refuses those who wait for a turn with [`NoTurn::TurnedAway`], where their [`Flow::depends_on`] is `what`. Those who
    /// ask later are not concerned.
    pub fn turn_away(&self, what: u64) {
        self.turn_away_those(|flow| flow.depends_on == what);
    }

    /// The same for all who wait.
    pub(crate) fn turn_all_away(&self) {
        self.turn_away_those(|_| true);
    }

    fn turn_away_those(&self, whom: impl Fn(Flow) -> bool) {
        // Where there is no pace, those who still wait have their turns at once.
        if self.is_paced() {
            self.on(|core, effects| core.turn_away(whom, effects));
        }
    }

    /// How many turns a second there are at this moment, if there is any pace.
    #[must_use]
    pub fn per_second(&self) -> Option<f64> {
        self.lock().core.per_second()
    }

    /// How the pace is now; none where there is none.
    #[must_use]
    pub fn look(&self) -> Option<PaceLook> {
        let state = self.lock();
        let per_second = state.core.per_second()?;
        let (limited_since, waiting) = state.core.look();
        let limited_since = limited_since.map(Instant::from_std);
        let (origin, identity) = (self.origin.clone(), self.identity.clone());
        Some(PaceLook { origin, identity, per_second, limited_since, waiting })
    }

    fn lock(&self) -> MutexGuard<'_, PacerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the core what happened, and does what it says.
    fn on(&self, event: impl FnOnce(&mut Pacing<TellWaiter>, &mut Effects)) {
        let mut effects = Effects::new();
        let mut state = self.lock();
        event(&mut state.core, &mut effects);
        if self.stop.is_cancelled() {
            state.core.end(&mut effects);
        }
        self.paced.store(state.core.is_paced(), Ordering::Relaxed);
        self.report_pace(&mut state);
        drop(state);
        self.perform(effects);
    }

    /// Reports by how much the pace has changed. Observers only count, so this may be done under the lock, which keeps the
    /// changes in their order.
    fn report_pace(&self, state: &mut PacerState) {
        // It is rounded to parts that a float holds, so that all changes together come to nothing in the end.
        let pace = (state.core.per_second().unwrap_or(0.0) * 1024.0).round() / 1024.0;
        let change = pace - std::mem::replace(&mut state.reported, pace);
        if change != 0.0 {
            self.observer.report(Report::Pace(PaceReport::Changed(change)));
        }
    }

    /// Does what the core says. The lock must be free.
    fn perform(&self, effects: Effects) {
        for effect in effects {
            match effect {
                PaceEffect::Turn(waiter) => drop(waiter.send(Told::Turn)),
                PaceEffect::NoTurn(waiter) => drop(waiter.send(Told::NoTurn)),
                PaceEffect::TurnedAway(waiter) => drop(waiter.send(Told::TurnedAway)),
                PaceEffect::WakeAt(at) => self.wake_at(Instant::from_std(at)),
                PaceEffect::Lowered(per_second) => self.log_lowered(per_second),
                PaceEffect::Whole => self.log_whole(),
            }
        }
    }

    /// Wakes the core at that moment, or earlier if that was asked for before, or when the pool ends.
    fn wake_at(&self, at: Instant) {
        let (me, stop) = (self.me.clone(), self.stop.clone());
        let task = async move {
            tokio::select! {
                () = tokio::time::sleep_until(at) => {}
                () = stop.cancelled() => {}
            }
            let Some(pacer) = me.upgrade() else { return };
            pacer.lock().timer.fired(at);
            let now = Instant::now();
            pacer.on(|core, effects| core.woken(now.into_std(), effects));
        };
        let mut state = self.lock();
        if self.stop.is_cancelled() {
            // Nobody waits any more, or the wake-up that is under way tells those who do.
            return;
        }
        state.timer.arm(at, || self.tasks.spawn(task).abort_handle());
    }

    /// An outsider names any number of services, so that what happens to those is counted and not logged.
    fn log_lowered(&self, per_second: f64) {
        self.observer.report(Report::Pace(PaceReport::Lowered));
        let (peer, per_second) = (self.peer(), per_second.round());
        if self.kind.is_unbounded() {
            tracing::debug!(%peer, per_second, "requests are paced from now on");
        } else {
            tracing::warn!(
                %peer,
                per_second,
                "too many requests, says the service; requests to it are paced from now on"
            );
        }
    }

    /// What it paces, as the log names a [`Peer`](crate::Peer).
    fn peer(&self) -> String {
        format!("Peer({} as {})", self.origin, self.identity)
    }

    fn log_whole(&self) {
        let peer = self.peer();
        if self.kind.is_unbounded() {
            tracing::debug!(%peer, "the service limits requests no more");
        } else {
            tracing::info!(%peer, "the service limits requests no more");
        }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        let reported = self.state.get_mut().unwrap_or_else(PoisonError::into_inner).reported;
        if reported != 0.0 {
            self.observer.report(Report::Pace(PaceReport::Changed(-reported)));
        }
    }
}

impl std::fmt::Debug for Pacer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pacer({} as {})", self.origin, self.identity)
    }
}

#[cfg(test)]
mod tests;
