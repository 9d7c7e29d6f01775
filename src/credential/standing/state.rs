//! The standing of a credential: what follows from each answer. It has no clock and no lock.
//!
//! ```text
//!          two refusals in a row                    the wait is over
//! good ───────────────────────────▶ shut, waiting ──────────────────▶ shut, probing
//!  ▲                                     ▲  ▲                              │ │ │
//!  │                                     │  └── refused: a longer wait ────┘ │ │
//!  │                                     └───── no answer: the wait is over ─┘ │
//!  └───────────────── any other answer, also to an earlier attempt ────────────┘
//! ```

use std::time::Duration;

use tokio::time::Instant;

use super::backoff::backoff;

/// A credential is shut by so many refusals in a row. One alone may be a mistake of one server of the push service.
const REFUSALS: u32 = 2;

/// Whether a push service takes a credential.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// How often it was opened again.
    opened: u32,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Good {
        /// How many refusals came since the last other answer.
        refusals: u32,
    },
    Shut {
        since: Instant,
        /// The next probe waits for this moment.
        not_before: Instant,
        refused_probes: u32,
        /// A probe is under way.
        probing: bool,
    },
}

impl Default for Phase {
    fn default() -> Self {
        Self::Good { refusals: 0 }
    }
}

/// The leave of one attempt to show the credential. It is handed back with what was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    /// How often the standing had opened when the attempt began.
    pub(super) opened: u32,
    /// Whether the attempt asks if a shut credential is taken again.
    pub(super) probe: bool,
}

/// What an attempt was answered, as far as it concerns the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The push service refused a fresh proof.
    Refused,
    /// The push service refused a proof that may have been too old, which another attempt mends. It is a refusal only of a
    /// probe, since the credential was refused before.
    RefusedOld,
    /// The push service said something else, so it takes the credential.
    Taken,
    /// No answer came that says anything about the credential.
    Nothing,
}

/// How a standing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Shut,
    /// It was shut for so long.
    Opened(Duration),
}

/// What a look at a standing finds without a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It is good, and nothing is counted.
    Good,
    /// It is good, and a refusal is counted.
    Doubtful,
    Shut,
}

impl Standing {
    pub(super) fn opened(&self) -> u32 {
        self.opened
    }

    pub(super) fn look(&self) -> Look {
        match self.phase {
            Phase::Good { refusals: 0 } => Look::Good,
            Phase::Good { .. } => Look::Doubtful,
            Phase::Shut { .. } => Look::Shut,
        }
    }

    /// Since when it is shut.
    pub(super) fn shut_since(&self) -> Option<Instant> {
        match self.phase {
            Phase::Good { .. } => None,
            Phase::Shut { since, .. } => Some(since),
        }
    }

    /// An attempt asks for leave to show the credential. There is none where it is shut, and no probe is due.
    pub(super) fn ask(&mut self, now: Instant) -> Option<Ticket> {
        let opened = self.opened;
        match &mut self.phase {
            Phase::Good { .. } => Some(Ticket { opened, probe: false }),
            Phase::Shut { not_before, probing, .. } => {
                let due = !*probing && *not_before <= now;
                *probing |= due;
                due.then_some(Ticket { opened, probe: true })
            }
        }
    }

    /// An attempt ended. `chance` is in 0..1, and draws the random part of a wait.
    pub(super) fn hear(&mut self, now: Instant, ticket: Ticket, heard: Heard, chance: f64) -> Option<Turn> {
        // A refusal of an attempt that began before the standing opened says nothing that was not known then.
        let current = ticket.opened == self.opened;
        match (&mut self.phase, heard) {
            (Phase::Good { refusals }, Heard::Refused) if current => {
                *refusals += 1;
                (*refusals >= REFUSALS).then(|| self.shut(now, chance))
            }
            (Phase::Good { refusals }, Heard::Taken) => {
                *refusals = 0;
                None
            }
            (Phase::Shut { .. }, Heard::Taken) => self.open(now),
            (Phase::Shut { not_before, refused_probes, probing, .. }, Heard::Refused | Heard::RefusedOld)
                if current && ticket.probe =>
            {
                *refused_probes = refused_probes.saturating_add(1);
                *not_before = now + backoff(*refused_probes, chance);
                *probing = false;
                None
            }
            (Phase::Shut { probing, .. }, Heard::Nothing) if current && ticket.probe => {
                *probing = false;
                None
            }
            (_, Heard::Refused | Heard::RefusedOld | Heard::Nothing) => None,
        }
    }

    /// Shuts it, whatever was counted.
    pub(super) fn shut(&mut self, now: Instant, chance: f64) -> Turn {
        let not_before = now + backoff(0, chance);
        self.phase = Phase::Shut { since: now, not_before, refused_probes: 0, probing: false };
        Turn::Shut
    }

    /// Opens it, where it is shut.
    pub(super) fn open(&mut self, now: Instant) -> Option<Turn> {
        let since = self.shut_since()?;
        self.opened = self.opened.wrapping_add(1);
        self.phase = Phase::default();
        Some(Turn::Opened(now.saturating_duration_since(since)))
    }
}
