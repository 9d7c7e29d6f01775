//! One standing that pushes share: the lock around it, what is said when it changes, and what pushes are told meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::look::{RefusalLook, StandingLook};
use super::name::StandingName;
use super::refusing_answer::RefusingAnswer;
use super::state::{Heard, Look, Standing, Ticket, Turn};
use crate::metrics::StandingMetrics;

/// A credential at one place, or for one topic there.
#[derive(Debug)]
pub(super) struct SharedStanding {
    name: StandingName,
    metrics: StandingMetrics,
    /// The standing as it was last changed: how often it was opened, and in the two lowest bits a [`Look`]. A push whose
    /// credential is good reads this and takes no lock.
    look: AtomicU64,
    state: Mutex<State>,
    /// How many pushes were answered since it was shut.
    answered: AtomicU64,
    /// Is told when it was shut or opened.
    turned: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    standing: Standing,
    /// The answer that shut it.
    answer: Option<Arc<RefusingAnswer>>,
}

/// What a push is told whose credential is shut.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    /// The answer that shut it.
    pub(crate) answer: RefusingAnswer,
    /// Which credential it is, where and for how long it has been refused, and what comes next.
    pub(crate) detail: String,
}

const LOOK_BITS: u32 = 2;

impl SharedStanding {
    pub(super) fn new(name: StandingName, metrics: StandingMetrics, turned: Arc<Notify>) -> Self {
        let (look, state, answered) = Default::default();
        Self { name, metrics, look, state, answered, turned }
    }

    /// How it is now.
    pub(super) fn snapshot(&self) -> StandingLook {
        let StandingName { credential, label, place } = self.name.clone();
        let refusal = self.is_shut().then(|| self.state()).and_then(|state| {
            let since = state.standing.shut_since()?;
            let answer = state.answer.as_deref().cloned().unwrap_or_else(RefusingAnswer::unknown);
            Some(RefusalLook { since, answer })
        });
        StandingLook { credential, label, place, refusal }
    }

    pub(super) fn name(&self) -> &StandingName {
        &self.name
    }

    pub(super) fn is_shut(&self) -> bool {
        self.look().1 == Look::Shut
    }

    /// Asks for leave to show the credential.
    pub(super) fn ask(&self) -> Result<Ticket, Box<Refused>> {
        let (opened, look) = self.look();
        if look != Look::Shut {
            return Ok(Ticket { opened, probe: false });
        }
        let now = Instant::now();
        let mut state = self.state();
        if let Some(ticket) = state.standing.ask(now) {
            return Ok(ticket);
        }
        Err(self.refused(now, state))
    }

    /// Whether the ticket would be the same if it were asked for now; that of a probe is good until the probe ends.
    pub(super) fn is_as_for(&self, ticket: Ticket) -> bool {
        let (opened, look) = self.look();
        ticket.probe || (look != Look::Shut && opened == ticket.opened)
    }

    /// What a push is told now, where it is shut. It asks for no leave.
    pub(super) fn refusal(&self) -> Option<Box<Refused>> {
        self.is_shut().then(|| self.refused(Instant::now(), self.state()))
    }

    /// Whether an attempt with this ticket, which was answered well, has nothing to tell.
    fn knows(&self, ticket: Ticket, heard: Heard) -> bool {
        match heard {
            Heard::Taken => !ticket.probe && self.look().1 == Look::Good,
            Heard::Nothing => !ticket.probe,
            Heard::Refused | Heard::RefusedOld => false,
        }
    }

    /// An attempt ended. Returns whether that shut it; only then the answer is asked for.
    pub(super) fn hear(
        &self,
        ticket: Ticket,
        heard: Heard,
        answer: impl FnOnce() -> RefusingAnswer,
        apps: impl FnOnce() -> usize,
    ) -> bool {
        if self.knows(ticket, heard) {
            return false;
        }
        let now = Instant::now();
        let change = |state: &mut State| state.standing.hear(now, ticket, heard, fastrand::f64());
        self.change(change, answer, apps)
    }

    /// Shuts it, whatever was heard before, where it is not shut.
    pub(super) fn shut(&self, answer: RefusingAnswer, apps: impl FnOnce() -> usize) {
        let shut = |state: &mut State| match state.standing.look() {
            Look::Shut => None,
            Look::Good | Look::Doubtful => Some(state.standing.shut(Instant::now(), fastrand::f64())),
        };
        self.change(shut, || answer, apps);
    }

    /// Opens it, where it is shut.
    pub(super) fn open(&self) {
        let nobody = || RefusingAnswer { status: None, reason: String::new(), detail: String::new() };
        self.change(|state| state.standing.open(Instant::now()), nobody, || 0);
    }

    /// Counts a push that was answered because it is shut.
    pub(super) fn answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.metrics.answered();
    }

    /// Changes the standing, and says so after the lock was released. It is true where this shut it.
    fn change(
        &self,
        change: impl FnOnce(&mut State) -> Option<Turn>,
        answer: impl FnOnce() -> RefusingAnswer,
        apps: impl FnOnce() -> usize,
    ) -> bool {
        let mut state = self.state();
        let turn = change(&mut state);
        let said = match turn {
            Some(Turn::Shut) => {
                let answer = Arc::new(answer());
                self.answered.store(0, Ordering::Relaxed);
                state.answer.replace(Arc::clone(&answer));
                Some(answer)
            }
            Some(Turn::Opened(_)) => state.answer.take(),
            None => None,
        };
        let look = u64::from(state.standing.opened()) << LOOK_BITS | state.standing.look() as u64;
        self.look.store(look, Ordering::Release);
        if let Some(turn) = turn {
            // It is set under the lock, so that the last turn is the one that it shows.
            self.metrics.refused(turn == Turn::Shut);
        }
        drop(state);
        if turn.is_some() {
            self.turned.notify_one();
        }
        match (turn, said) {
            (Some(Turn::Shut), Some(answer)) => self.say_shut(&answer, apps()),
            (Some(Turn::Opened(after)), _) => self.say_opened(after),
            _ => {}
        }
        turn == Some(Turn::Shut)
    }

    fn say_shut(&self, answer: &RefusingAnswer, apps: usize) {
        let StandingName { label: credential, place, .. } = &self.name;
        let RefusingAnswer { status, reason, detail } = answer;
        tracing::error!(
            credential,
            place,
            status,
            reason,
            detail,
            apps,
            "the credential is refused: its pushes are answered with CREDENTIAL until it is taken again"
        );
    }

    fn say_opened(&self, after: Duration) {
        let StandingName { label: credential, place, .. } = &self.name;
        let answered = self.answered.load(Ordering::Relaxed);
        tracing::info!(credential, place, ?after, answered, "the credential is taken again");
    }

    fn refused(&self, now: Instant, state: MutexGuard<'_, State>) -> Box<Refused> {
        let (since, answer) = (state.standing.shut_since().unwrap_or(now), state.answer.clone());
        drop(state);
        self.answered();
        let StandingName { credential, place, .. } = &self.name;
        let answer = answer.map_or_else(RefusingAnswer::unknown, |answer| RefusingAnswer::clone(&answer));
        let long = match now.saturating_duration_since(since).as_secs() {
            0 => "was refused just now".to_owned(),
            seconds => format!("has been refused for {seconds} s"),
        };
        let detail = format!(
            "{}; {credential} {long} at {place}: one push at a time asks again, and this one was not sent",
            answer.detail,
        );
        Box::new(Refused { answer, detail })
    }

    /// How often it was opened, and how it stands.
    fn look(&self) -> (u32, Look) {
        let packed = self.look.load(Ordering::Acquire);
        let look = match packed & ((1 << LOOK_BITS) - 1) {
            0 => Look::Good,
            1 => Look::Doubtful,
            _ => Look::Shut,
        };
        // What was packed was a u32.
        (u32::try_from(packed >> LOOK_BITS).unwrap_or_default(), look)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The standing is whole at every moment, so a poisoned lock harms nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SharedStanding {
    /// A credential that no app shows any more is not counted as refused.
    fn drop(&mut self) {
        if self.is_shut() {
            self.metrics.refused(false);
            self.turned.notify_one();
        }
    }
}
