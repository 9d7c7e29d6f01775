//! The limits of the window of `Options.once`.

use std::time::Duration;

/// The limits of the window of `Options.once`.
#[derive(Debug, Clone, Copy)]
pub struct OnceSettings {
    /// How long a verdict is remembered, from when it was given.
    pub window: Duration,
    /// The most pushes that are in flight or remembered, together.
    pub max: usize,
}

impl Default for OnceSettings {
    fn default() -> Self {
        Self { window: Duration::from_secs(10 * 60), max: 100_000 }
    }
}
