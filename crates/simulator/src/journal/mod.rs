//! The journal: every request that arrived and what became of it, for tests that count.
//!
//! [`Journal::entries`], [`Journal::by_device_token`] and [`Journal::select`] copy entries; [`Journal::take`] hands
//! them over; [`Journal::wait_for`] waits until what a test expects is there. [`Entry::may_be_delivered`] tells
//! whether a device may have been given a push, and [`digest()`] whether a request arrived as it was meant.

mod digest;
mod entry;
mod query;
mod record;
mod store;
#[cfg(test)]
mod tests;

pub use digest::digest;
pub(super) use entry::device_token;
pub use entry::{Entry, Reading, RequestOutcome};
pub(super) use query::Page;
pub use query::{Query, Stage};
pub use store::Journal;
pub(super) use store::{EntryId, JournalBounds};

pub use super::body::Decrypted;
