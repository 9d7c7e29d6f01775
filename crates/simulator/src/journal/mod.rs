//! The journal: every request that arrived, for tests that count.

mod digest;
mod entry;
mod query;
mod record;
mod store;
#[cfg(test)]
mod tests;

pub use digest::{NOT_DIGESTED, digest};
pub(super) use entry::device_token;
pub use entry::{Entry, Outcome, Reading};
pub use query::{Page, Query, Stage};
pub use store::Journal;
pub(super) use store::{EntryId, JournalBounds};

pub use super::body::Opened;
