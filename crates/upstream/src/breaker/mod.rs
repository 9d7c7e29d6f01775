//! Decides whether a server that fails is asked at all. It knows no server, clock, task or lock.

use std::time::{Duration, Instant};

/// Over how long a share of failures is counted. The count begins with a failure.
const RATE_WINDOW: Duration = Duration::from_secs(10);

/// A share of failures says something only of at least so many outcomes.
const RATE_OUTCOMES: u32 = 20;

/// The longest wait that a server may ask for. One that asks for more is asked again after this.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// When a [`Breaker`] opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// After how many failures in a row it opens. 5 by default.
    pub failures: u32,
    /// It also opens when this share of at least 20 outcomes within 10 s are failures, in percent. 50 by default.
    pub error_percent: u32,
    /// The wait before the first probe. It doubles with each probe that fails, and a random half of it is left out. 2 s
    /// by default.
    pub wait: Duration,
    /// The longest wait before a probe, unless the server itself asks for a longer one. 60 s by default.
    pub max_wait: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            error_percent: 50,
            wait: Duration::from_secs(2),
            max_wait: Duration::from_secs(60),
        }
    }
}

/// Decides whether a server that fails is asked at all.
///
/// ```text
///            failures in a row, or a share of failures           a wait
///   Closed ────────────────────────────────────────────► Open ────────────► HalfOpen
///     ▲                                                   ▲                     │  one probe at a time
///     │                                                   └── the probe fails ──┤
///     └────────────────────────────────────── the probe succeeds ───────────────┘
/// ```
/// It is told the time and each outcome. Whoever wants to ask the server asks the breaker before, by [`ask`](Self::ask).
/// While it [`counts_successes`](Self::counts_successes) it wants to hear of successes too; else they change nothing.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    random: fastrand::Rng,
    state: State,
    /// How many failures came since the last success.
    row: u32,
    window: Option<Window>,
    /// How often it opened since it was last closed.
    openings: u32,
    /// The number of the last probe.
    probes: u64,
    /// The server asked not to be asked before this moment.
    not_before: Option<Instant>,
    /// When it opened, if it was not closed since.
    ill_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { probe: Option<Probe> },
}

/// The outcomes since a failure.
#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    failures: u32,
    successes: u32,
}

/// The right to ask a server whose breaker is half open, to see whether it is well again.
///
/// It ends with the next outcome. Where none comes, it has to be [given back](Breaker::probe_over).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe(u64);

/// What an outcome did to a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerChange {
    /// It opened, and was closed before. No probe is allowed for this long.
    Opened(Duration),
    /// The probe failed. No other is allowed for this long.
    Reopened(Duration),
    /// The probe succeeded.
    Closed,
}

impl Breaker {
    /// A breaker that is closed. `seed` draws the random part of its waits.
    #[must_use]
    pub fn new(settings: BreakerSettings, seed: u64) -> Self {
        Self {
            settings,
            random: fastrand::Rng::with_seed(seed),
            state: State::Closed,
            row: 0,
            window: None,
            openings: 0,
            probes: 0,
            not_before: None,
            ill_since: None,
        }
    }

    /// Whether the server may be asked: always while the breaker is closed, else only by the holder of a probe.
    ///
    /// # Errors
    /// It is not to be asked, and may be after this time.
    pub fn ask(&mut self, now: Instant) -> Result<Option<Probe>, Duration> {
        if self.is_closed() {
            return Ok(None);
        }
        if let Some(wait) = self.held(now) {
            return Err(wait);
        }
        self.probes += 1;
        let probe = Probe(self.probes);
        self.state = State::HalfOpen { probe: Some(probe) };
        Ok(Some(probe))
    }

    /// For how long the server is not to be asked, as [`ask`](Self::ask) would say. Nobody knows how long a probe takes
    /// that is under way, so the first wait of the settings stands for it.
    #[must_use]
    pub fn held(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Closed | State::HalfOpen { probe: None } => None,
            State::Open { until } => {
                Some(until.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
            }
            State::HalfOpen { probe: Some(_) } => Some(self.settings.wait),
        }
    }

    /// Whether everybody may ask the server.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// When it opened, if it was not closed since.
    #[must_use]
    pub fn ill_since(&self) -> Option<Instant> {
        self.ill_since
    }

    /// Whether nobody may ask the server, or only a probe that has not begun.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Whether a success would change anything. While this is false, nobody has to tell of one.
    #[must_use]
    pub fn counts_successes(&self) -> bool {
        !self.is_closed() || self.row > 0 || self.window.is_some()
    }

    /// So many successes came.
    pub fn succeeded(&mut self, now: Instant, count: u32) -> Option<BreakerChange> {
        match self.state {
            State::Closed => {
                (self.row, self.not_before) = (0, None);
                self.window = self.window.filter(|window| window.is_young(now));
                if let Some(window) = &mut self.window {
                    window.successes = window.successes.saturating_add(count);
                }
                None
            }
            // It was asked before the breaker opened, so it says nothing about the server of now.
            State::Open { .. } => None,
            State::HalfOpen { .. } => {
                self.state = State::Closed;
                (self.row, self.window, self.openings, self.not_before) = (0, None, 0, None);
                self.ill_since = None;
                Some(BreakerChange::Closed)
            }
        }
    }

    /// A failure came. `asked` is how long the server asks to be left alone.
    pub fn failed(&mut self, now: Instant, asked: Option<Duration>) -> Option<BreakerChange> {
        let asked = asked.map(|wait| now + wait.min(LONGEST_ASKED));
        self.not_before = self.not_before.max(asked);
        match &mut self.state {
            State::Closed => {
                self.row = self.row.saturating_add(1);
                let window = self.window.filter(|window| window.is_young(now));
                let window =
                    self.window.insert(window.unwrap_or(Window { began: now, failures: 0, successes: 0 }));
                window.failures = window.failures.saturating_add(1);
                let opens = self.row >= self.settings.failures || window.is_ill(self.settings.error_percent);
                opens.then(|| self.open(now))
            }
            State::Open { until } => {
                *until = asked.map_or(*until, |asked| asked.max(*until));
                None
            }
            State::HalfOpen { .. } => Some(self.open(now)),
        }
    }

    /// Opens the breaker whatever was counted, unless it is open.
    pub fn trip(&mut self, now: Instant) -> Option<BreakerChange> {
        (!self.is_open()).then(|| self.open(now))
    }

    /// A probe ended without an outcome: its caller left, its request was never sent, or its deadline passed. Another is
    /// allowed at once. A probe that had an outcome is over already.
    pub fn probe_over(&mut self, probe: Probe) {
        if self.state == (State::HalfOpen { probe: Some(probe) }) {
            self.state = State::HalfOpen { probe: None };
        }
    }

    /// The probe that is under way.
    #[cfg(test)]
    pub(crate) fn probe(&self) -> Option<Probe> {
        if let State::HalfOpen { probe } = self.state { probe } else { None }
    }

    fn open(&mut self, now: Instant) -> BreakerChange {
        let BreakerSettings { wait, max_wait, .. } = self.settings;
        let wait = wait.saturating_mul(1 << self.openings.min(16)).min(max_wait);
        let wait = wait.mul_f64(0.5 + self.random.f64() / 2.0);
        let until = (now + wait).max(self.not_before.unwrap_or(now));
        let wait = until - now;
        let change =
            if self.is_closed() { BreakerChange::Opened(wait) } else { BreakerChange::Reopened(wait) };
        self.ill_since.get_or_insert(now);
        self.state = State::Open { until };
        self.openings = self.openings.saturating_add(1);
        (self.row, self.window, self.not_before) = (0, None, None);
        change
    }
}

impl Window {
    fn is_young(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) < RATE_WINDOW
    }

    /// Whether so many percent of enough outcomes are failures.
    fn is_ill(&self, percent: u32) -> bool {
        let all = self.failures.saturating_add(self.successes);
        let failed = u64::from(self.failures) * 100;
        all >= RATE_OUTCOMES && failed >= u64::from(all) * u64::from(percent)
    }
}

#[cfg(test)]
mod tests;
