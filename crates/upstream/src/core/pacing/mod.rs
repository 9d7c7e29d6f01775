//! What a pacer decides: who takes the next turn, and when. Like the rest of the core it is told the time and what happened,
//! and answers with what is to be done.
//!
//! Turns come from a bucket, which fills at the present pace: the ceiling that the owner set, or the limit that the answers
//! of the service taught, whichever is lower. Those who find no turn in it wait as requests wait for streams: the interactive
//! first, and the flows of a class in turn.

mod ceiling;
mod limit;
mod settings;

use std::time::{Duration, Instant};

pub(crate) use limit::Limited;
pub use settings::PaceSettings;

use super::event::{Seniority, StreamAsk};
use super::waiters::{WaiterId, Waiters};
use crate::flow::{Flow, ServiceClass};
use ceiling::Ceiling;
use limit::Limit;

/// Turns are given out in one go where more than one becomes free within this time, so that the timer fires at most this
/// often.
const GRAIN: Duration = Duration::from_millis(5);
/// How often a learned limit is looked at where nobody waits, so that one that faded is noticed.
const LOOK: Duration = Duration::from_secs(1);
/// A learned limit lets turns be saved up for this long: ten times the grain, so that a timer that fires late loses none.
const LIMITED_BURST: f64 = 0.05;

/// Something that is to be done, after the lock was released.
#[derive(Debug, PartialEq)]
pub(crate) enum PaceEffect<W> {
    /// A waiter has its turn.
    Turn(W),
    /// A waiter's time is up, or the pacer ends. It gets no turn.
    NoTurn(W),
    /// What a waiter depends on is of no use now, so that it wants no turn before it has looked at that again.
    TurnedAway(W),
    /// The pacer wants to be woken at this moment, or earlier.
    WakeAt(Instant),
    /// The service limits from now on, to this many a second.
    Lowered(f64),
    /// The service limits no more.
    Whole,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The turn would come after this wait, which is too late.
    TooLong(Duration),
    /// As many wait as may. A turn would come after this wait.
    Full(Duration),
}

/// What is known of the pace towards one service.
#[derive(Debug)]
pub(crate) struct Pacing<W> {
    settings: PaceSettings,
    ceiling: Option<Ceiling>,
    limit: Limit,
    /// The turns in the bucket, as of `filled_at`.
    turns: f64,
    filled_at: Instant,
    waiters: Waiters<W>,
    /// When the pacer has asked to be woken.
    wake_at: Option<Instant>,
}

impl<W> Pacing<W> {
    pub(crate) fn new(now: Instant, settings: PaceSettings) -> Self {
        let ceiling = settings.most_per_second.map(|most| Ceiling::new(most, &settings));
        let turns = ceiling.as_ref().map_or(0.0, |ceiling| ceiling.burst);
        let (limit, waiters) = (Limit::default(), Waiters::default());
        Self { settings, ceiling, limit, turns, filled_at: now, waiters, wake_at: None }
    }

    /// Whether there is any pace at all. Where there is none, everybody may go.
    pub(crate) fn is_paced(&self) -> bool {
        self.ceiling.is_some() || self.limit.is_in_force()
    }

    /// How many turns a second there are, if there is a pace.
    pub(crate) fn per_second(&self) -> Option<f64> {
        let ceiling = self.ceiling.as_ref().map(|ceiling| ceiling.allowed);
        match (ceiling, self.limit.per_second(self.filled_at)) {
            (Some(ceiling), Some(limit)) => Some(ceiling.min(limit)),
            (ceiling, limit) => ceiling.or(limit),
        }
    }

    /// When the answers of the service last lowered the pace, while they limit it; and how many wait.
    pub(crate) fn look(&self) -> (Option<Instant>, usize) {
        (self.limit.since(), self.waiters.len())
    }

    /// Takes a turn at once (true), or says that one has to be [waited](Self::wait) for.
    pub(crate) fn ask(&mut self, now: Instant, flow: Flow, until: Instant) -> Result<bool, Refusal> {
        let Some(per_second) = self.fill(now) else { return Ok(true) };
        let overtakes = match flow.class {
            ServiceClass::Interactive => self.waiters.any(ServiceClass::Interactive),
            ServiceClass::Bulk => !self.waiters.is_empty(),
        };
        if !overtakes && self.turns >= 1.0 {
            self.turns -= 1.0;
            return Ok(true);
        }
        let wait = seconds((self.waiters.turns_until(flow) as f64 - self.turns).max(0.0) / per_second);
        if now.checked_add(wait).is_none_or(|turn| turn >= until) {
            return Err(Refusal::TooLong(wait));
        }
        if self.waiters.len() >= self.settings.max_waiters {
            return Err(Refusal::Full(wait));
        }
        Ok(false)
    }

    /// Somebody whom [`ask`](Self::ask) gave no turn waits for one, until told or [`left`](Self::left).
    pub(crate) fn wait(
        &mut self,
        now: Instant,
        flow: Flow,
        until: Instant,
        waiter: W,
        effects: &mut Vec<PaceEffect<W>>,
    ) -> WaiterId {
        let ask = StreamAsk { flow, until, seniority: Seniority::New };
        let id = self.waiters.push(now, ask, waiter);
        self.arm(now, effects);
        id
    }

    /// Somebody left before being told anything. Returns how long a turn would have taken from now on.
    pub(crate) fn left(&mut self, now: Instant, waiter: WaiterId) -> Duration {
        self.waiters.leave(waiter);
        let per_second = self.fill(now).unwrap_or(f64::INFINITY);
        seconds((self.waiters.len() as f64 + 1.0) / per_second)
    }

    /// Those of these flows wait no more, because what they depend on is of no use now.
    pub(crate) fn turn_away(&mut self, whom: impl Fn(Flow) -> bool, effects: &mut Vec<PaceEffect<W>>) {
        effects.extend(self.waiters.remove_if(whom).map(PaceEffect::TurnedAway));
    }

    /// Time has passed.
    pub(crate) fn woken(&mut self, now: Instant, effects: &mut Vec<PaceEffect<W>>) {
        self.wake_at = None;
        self.serve(now, effects);
    }

    /// An answer said that there were too many requests.
    pub(crate) fn limited(&mut self, now: Instant, limited: Limited, effects: &mut Vec<PaceEffect<W>>) {
        let present = self.fill(now);
        let was_in_force = self.limit.is_in_force();
        if self.limit.lower(now, limited, present) {
            // The service has nothing left for what was saved up.
            self.turns = self.turns.min(0.0);
            if !was_in_force && let Some(per_second) = self.per_second() {
                effects.push(PaceEffect::Lowered(per_second));
            }
        } else if was_in_force && !self.limit.is_in_force() {
            effects.push(PaceEffect::Whole);
        }
        self.serve(now, effects);
    }

    /// The pacer ends. Nobody who waits gets a turn.
    pub(crate) fn end(&mut self, effects: &mut Vec<PaceEffect<W>>) {
        effects.extend(self.waiters.remove_all().map(PaceEffect::NoTurn));
    }

    /// Gives those who wait the turns that there are.
    fn serve(&mut self, now: Instant, effects: &mut Vec<PaceEffect<W>>) {
        let paced = self.fill(now).is_some();
        for class in [ServiceClass::Interactive, ServiceClass::Bulk] {
            while (self.turns >= 1.0 || !paced) && self.waiters.any(class) {
                let late = |waiter| effects.push(PaceEffect::NoTurn(waiter));
                if let Some(waiter) = self.waiters.pop(now, class, late) {
                    self.turns -= f64::from(u8::from(paced));
                    effects.push(PaceEffect::Turn(waiter));
                }
            }
        }
        if self.limit.faded(now) {
            effects.push(PaceEffect::Whole);
        }
        self.arm(now, effects);
    }

    /// Asks to be woken when there is something to do.
    fn arm(&mut self, now: Instant, effects: &mut Vec<PaceEffect<W>>) {
        let next_turn = self.per_second().filter(|_| !self.waiters.is_empty());
        let next_turn = next_turn.map(|rate| seconds((1.0 - self.turns) / rate).max(GRAIN));
        let look = self.limit.is_in_force().then_some(LOOK);
        let wait = match (next_turn, look) {
            (Some(turn), Some(look)) => turn.min(look),
            (turn, look) => match turn.or(look) {
                Some(wait) => wait,
                // Who waits although there is no pace any more is served at once.
                None if !self.waiters.is_empty() => Duration::ZERO,
                None => return,
            },
        };
        let moment = now + wait;
        if self.wake_at.is_none_or(|armed| moment < armed) {
            self.wake_at = Some(moment);
            effects.push(PaceEffect::WakeAt(moment));
        }
    }

    /// Fills the bucket at the pace that there was. Returns the pace that there is.
    fn fill(&mut self, now: Instant) -> Option<f64> {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        let before = self.per_second();
        self.filled_at = self.filled_at.max(now);
        if let Some(before) = before {
            let (limit, ceiling) = (self.limit.per_second(now), &mut self.ceiling);
            let burst = limit.map_or(f64::INFINITY, |limit| (limit * LIMITED_BURST).max(1.0));
            let burst = ceiling.as_ref().map_or(burst, |ceiling| ceiling.burst.min(burst));
            let until_full = ((burst - self.turns) / before).max(0.0);
            self.turns = (self.turns + before * passed).min(burst);
            // Where the service limits more, the ceiling is not what is used up.
            if let Some(ceiling) = ceiling
                && limit.is_none_or(|limit| limit >= ceiling.allowed)
            {
                ceiling.used(passed.min(until_full), passed);
            }
        }
        self.per_second()
    }
}

/// A time of so many seconds; one that no clock could hold is as long as the longest that is told.
fn seconds(seconds: f64) -> Duration {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).min(LONGEST)
}

#[cfg(test)]
mod tests;
