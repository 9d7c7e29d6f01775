//! One key of the configuration.

use std::fmt::Debug;

/// When a key that has changed holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// It holds for what comes next: the next push, batch, connection or handshake.
    AtOnce,
    /// It holds at once where it was there and is there still.
    AtOnceWhereItIs,
    /// It holds after a restart.
    AfterRestart,
}

/// A key, when it holds once it has changed, and its value as a text that is never shown.
pub(super) type Row = (&'static str, Holds, String);

/// The text of a key that is not there.
pub(super) const NOTHING: &str = "None";

pub(super) fn at_once(key: &'static str, value: &dyn Debug) -> Row {
    (key, Holds::AtOnce, format!("{value:?}"))
}

pub(super) fn at_once_where_it_is<T: Debug>(key: &'static str, value: Option<&T>) -> Row {
    (key, Holds::AtOnceWhereItIs, format!("{value:?}"))
}

pub(super) fn after_restart(key: &'static str, value: &dyn Debug) -> Row {
    (key, Holds::AfterRestart, format!("{value:?}"))
}
