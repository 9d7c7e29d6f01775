//! Something that lasts for a while, and is said when it begins and when it ends.

use std::time::{Duration, Instant};

/// Something that lasts for a while.
#[derive(Debug, Default)]
pub(super) struct Bout(Option<Instant>);

impl Bout {
    /// Notes that it goes on. Whether it has just begun.
    pub(super) fn begins(&mut self) -> bool {
        let begins = self.0.is_none();
        self.0.get_or_insert_with(Instant::now);
        begins
    }

    /// Notes that it is over. Returns how long it lasted, if it was there.
    pub(super) fn ends(&mut self) -> Option<Duration> {
        self.0.take().map(|since| since.elapsed())
    }
}
