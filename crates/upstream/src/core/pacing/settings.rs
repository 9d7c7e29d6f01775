//! The settings of a pacer.

use std::time::Duration;

/// The settings of a pacer. [`Default`] has no ceiling: such a pacer holds nobody back before the service asks for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaceSettings {
    /// The most turns a second, where there is a ceiling.
    pub most_per_second: Option<f64>,
    /// How long it takes of steady use to get from `free_per_second` to the most. Where less than half of the pace is
    /// used it falls back in the same time.
    pub ramp: Duration,
    /// The pace that is there from the first turn on: at least one turn a second, and at most the most.
    pub free_per_second: f64,
    /// How many turns may be taken at once after a rest, at least 1 and at most those of a second.
    pub burst: f64,
    /// How many may wait for a turn.
    pub max_waiters: usize,
}

impl Default for PaceSettings {
    fn default() -> Self {
        Self {
            most_per_second: None,
            ramp: Duration::ZERO,
            free_per_second: f64::INFINITY,
            burst: f64::INFINITY,
            max_waiters: 100_000,
        }
    }
}
