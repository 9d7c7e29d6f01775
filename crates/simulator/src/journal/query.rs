//! Reads the journal in pages, and waits for entries.

use std::time::Duration;

use uuid::Uuid;

use super::entry::{Entry, RequestOutcome};
use super::store::Journal;
use crate::service::Service;
use crate::sync::{NotReached, lock};

/// The pause between two looks of a waiting test: under load, every request would be a reason to look.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How far a request has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Its headers arrived.
    #[default]
    Arrived,
    /// It was read to its end.
    Read,
    /// It was answered, reset or excluded.
    Settled,
}

/// Which entries are wanted. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Only entries with a greater number, see [`Entry::order`].
    pub after: u64,
    /// Only entries of this service.
    pub service: Option<Service>,
    /// Only entries of this device token, registration token or subscription.
    pub token: Option<String>,
    /// Only entries with this `apns-id`.
    pub apns_id: Option<Uuid>,
    /// Only entries that have come this far.
    pub stage: Stage,
}

/// The first of the entries that are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    /// The entries in order of arrival.
    pub(crate) entries: Vec<Entry>,
    /// Whether there are more.
    pub(crate) more: bool,
}

impl Query {
    fn wants(&self, entry: &Entry) -> bool {
        let come = match self.stage {
            Stage::Arrived => true,
            Stage::Read => entry.read.is_some(),
            Stage::Settled => entry.outcome != RequestOutcome::Unanswered,
        };
        come && self.service.is_none_or(|service| entry.service == service)
            && self.apns_id.is_none_or(|id| entry.apns_id == Some(id))
            && self.token.as_ref().is_none_or(|token| entry.device_token() == Some(token))
    }
}

impl Journal {
    /// Returns the first `limit` entries that are wanted.
    pub(crate) fn page(&self, query: &Query, limit: usize) -> Page {
        let recorded = lock(&self.recorded);
        let first = recorded.entries.partition_point(|entry| entry.order <= query.after);
        let mut wanted = recorded.entries.range(first..).filter(|entry| query.wants(entry));
        let entries = wanted.by_ref().take(limit).cloned().collect();
        Page { entries, more: wanted.next().is_some() }
    }

    /// Waits until at least `count` entries that are wanted are here.
    ///
    /// # Errors
    ///
    /// It fails when they are not here within `timeout`.
    pub async fn wait_for(&self, query: &Query, count: usize, timeout: Duration) -> Result<(), NotReached> {
        let reached = || {
            let recorded = lock(&self.recorded);
            let first = recorded.entries.partition_point(|entry| entry.order <= query.after);
            let wanted = recorded.entries.range(first..).filter(|entry| query.wants(entry));
            wanted.take(count).count() == count
        };
        self.changes.wait_with_pause(timeout, LOOK_EVERY, reached).await
    }
}
