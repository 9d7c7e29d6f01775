//! The window as a table that is told the time. It decides, and wakes nobody.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::digest::Digest;
use super::known::OncePush;
use super::settings::OnceSettings;
use crate::dispatch::Trail;
use crate::push::{Delivery, Outcome, PushResult, Reason};

/// With each push, at most so many verdicts are forgotten whose time has passed, so that the lock is held for a moment only.
/// More are forgotten than come.
const FORGOTTEN_AT_ONCE: usize = 8;

/// The verdict of the first push, once there is one. The channel is closed without one where the first left unsent.
pub(super) type FirstVerdict = watch::Receiver<Option<Arc<PushResult>>>;

/// What a push is to do.
#[derive(Debug)]
pub(super) enum Claim {
    /// It is the first, and is sent.
    First(Trail),
    /// The first is in flight; its verdict is waited for.
    Joined(Joined),
    /// The first has this verdict.
    Recorded(Arc<PushResult>),
    /// The first had another target, content or options.
    Reused,
    /// There are as many in flight as may be remembered.
    Full,
}

/// A push that joined the first.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) verdict: FirstVerdict,
    pub(super) trail: Trail,
}

/// How the first push ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It has its verdict.
    Settled(PushResult),
    /// Its caller left. It was attempted so often if an attempt may have been delivered; else it is 0.
    Left { in_doubt: u32 },
}

/// Those who joined, told when this is dropped: it may be dropped under no lock.
#[derive(Debug)]
pub(super) struct Told {
    joined: Option<watch::Sender<Option<Arc<PushResult>>>>,
    result: Option<Arc<PushResult>>,
}

impl Told {
    /// What they are told.
    #[cfg(test)]
    pub(super) fn result(&self) -> Option<&PushResult> {
        self.result.as_deref()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let (Some(joined), Some(result)) = (&self.joined, self.result.take()) {
            joined.send_replace(Some(result));
        }
    }
}

/// A push that is in flight or remembered. The documents say what one takes in memory.
#[derive(Debug)]
pub(super) struct Entry {
    fingerprint: Digest,
    state: EntryState,
}

#[derive(Debug)]
enum EntryState {
    InFlight {
        trail: Trail,
        /// It is made for the first that joins, since few pushes are joined.
        joined: Option<watch::Sender<Option<Arc<PushResult>>>>,
    },
    Recorded {
        number: u64,
        until: Instant,
        result: Arc<PushResult>,
    },
}

/// The pushes that are in flight or remembered.
#[derive(Debug)]
pub(super) struct Table {
    settings: OnceSettings,
    entries: HashMap<Digest, Entry>,
    /// The keys of the recorded, the oldest first.
    recorded: BTreeMap<u64, Digest>,
    next_number: u64,
}

impl Table {
    pub(super) fn new(settings: OnceSettings) -> Self {
        Self { settings, entries: HashMap::new(), recorded: BTreeMap::new(), next_number: 0 }
    }

    /// Has these limits from now on. What is remembered stays so for as long as was said.
    pub(super) fn change(&mut self, settings: OnceSettings) {
        self.settings = settings;
        while self.entries.len() > settings.max {
            let Some((&oldest, _)) = self.recorded.first_key_value() else { return };
            self.forget(oldest);
        }
    }

    /// How many are in flight or remembered.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What a push is to do.
    pub(super) fn claim(&mut self, push: &OncePush, now: Instant) -> Claim {
        self.forget_old(now);
        match self.entries.get_mut(&push.key) {
            Some(Entry { state: EntryState::Recorded { number, until, .. }, .. }) if *until <= now => {
                let number = *number;
                self.forget(number);
            }
            Some(entry) if entry.fingerprint != push.fingerprint => return Claim::Reused,
            Some(Entry { state: EntryState::InFlight { trail, joined }, .. }) => {
                let verdict = joined.get_or_insert_with(|| watch::Sender::new(None)).subscribe();
                return Claim::Joined(Joined { verdict, trail: trail.clone() });
            }
            Some(Entry { state: EntryState::Recorded { result, .. }, .. }) => {
                return Claim::Recorded(Arc::clone(result));
            }
            None => {}
        }
        if self.entries.len() >= self.settings.max {
            let Some((&oldest, _)) = self.recorded.first_key_value() else { return Claim::Full };
            self.forget(oldest);
        }
        let trail = Trail::default();
        let state = EntryState::InFlight { trail: trail.clone(), joined: None };
        self.entries.insert(push.key, Entry { fingerprint: push.fingerprint, state });
        Claim::First(trail)
    }

    /// The first push ended. Its verdict is recorded unless it provably was not delivered.
    pub(super) fn end(&mut self, key: &Digest, ended: Ended, now: Instant) -> Told {
        let Some(Entry { fingerprint, state: EntryState::InFlight { joined, .. } }) =
            self.entries.remove(key)
        else {
            return Told { joined: None, result: None };
        };
        let result = match ended {
            Ended::Settled(result) => Some(result),
            Ended::Left { in_doubt: 0 } => None,
            Ended::Left { in_doubt } => Some(unconfirmed(
                in_doubt,
                "the caller of the first push with this id left before its answer",
            )),
        };
        let result = result.map(|result| Arc::new(PushResult { of_first: true, ..result }));
        if let Some(result) = result.as_ref().filter(|result| result.delivery != Delivery::No) {
            let number = self.next_number;
            self.next_number += 1;
            self.recorded.insert(number, *key);
            let until = now + self.settings.window;
            let state = EntryState::Recorded { number, until, result: Arc::clone(result) };
            self.entries.insert(*key, Entry { fingerprint, state });
        }
        Told { joined, result }
    }

    /// Forgets some of the verdicts whose time has passed.
    fn forget_old(&mut self, now: Instant) {
        for _ in 0..FORGOTTEN_AT_ONCE {
            let Some((&oldest, key)) = self.recorded.first_key_value() else { return };
            match self.entries.get(key) {
                Some(Entry { state: EntryState::Recorded { until, .. }, .. }) if *until > now => return,
                Some(_) | None => self.forget(oldest),
            }
        }
    }

    fn forget(&mut self, number: u64) {
        if let Some(key) = self.recorded.remove(&number) {
            self.entries.remove(&key);
        }
    }
}

/// The verdict where a push may have been delivered and nobody knows.
pub(super) fn unconfirmed(attempts: u32, detail: &'static str) -> PushResult {
    let mut result = PushResult::unsent(Outcome::Unconfirmed, Reason::AnswerTimeout, detail);
    (result.delivery, result.retryable, result.attempts) = (Delivery::Maybe, true, attempts);
    result.of_first = true;
    result
}
