//! What a shell knows of callers and connections without asking the core.

use std::time::Instant;

use super::*;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum CallerState {
    Waits,
    /// The core has told the caller something, which may still be on its way.
    Told,
    Left,
}

#[derive(Debug)]
pub(super) struct Caller {
    pub(super) id: WaiterId,
    pub(super) flow: Flow,
    pub(super) until: Instant,
    pub(super) state: CallerState,
    /// Nobody receives what the caller is told.
    pub(super) gone: bool,
}

#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) limit: usize,
    pub(super) used: usize,
    pub(super) drains: bool,
    pub(super) warming: bool,
    pub(super) old: bool,
    pub(super) quiet: bool,
    pub(super) probed: bool,
}

impl Seen {
    /// Whether it takes streams now.
    pub(super) fn ready(&self) -> bool {
        !self.drains && !self.quiet
    }
}
