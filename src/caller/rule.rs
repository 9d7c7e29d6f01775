//! The rule of one caller, which its calls hold while they are open.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::denied::Denied;
use super::look::CallerLook;
use super::open_calls::{OpenCall, OpenCalls};
use super::permissions::Permissions;
use super::rate::Rate;
use crate::held_bytes::BytesShare;
use crate::metrics::OneCaller;
use crate::sharer::Sharer;

/// The rule of one caller. Calls hold it, and look into it for each push, so that a change holds for the next push.
pub(super) struct CallerRule {
    name: Arc<str>,
    permissions: ArcSwap<Permissions>,
    streams: OpenCalls,
    sharer: Sharer,
    /// What its calls take of the budget of bytes; none where each connection has a share of its own.
    bytes: Option<BytesShare>,
    metrics: OneCaller,
}

impl CallerRule {
    pub(super) fn new(
        name: &str,
        permissions: Arc<Permissions>,
        bytes: Option<BytesShare>,
        sharer: Sharer,
        metrics: OneCaller,
    ) -> Self {
        show_limits(&permissions, &metrics);
        let (permissions, streams) = (ArcSwap::new(permissions), OpenCalls::shown_by(metrics.streams()));
        Self { name: name.into(), permissions, streams, sharer, bytes, metrics }
    }

    pub(super) fn bytes(&self) -> Option<&BytesShare> {
        self.bytes.as_ref()
    }

    /// The caller as one who shares streams and room with others.
    pub(super) fn sharer(&self) -> &Sharer {
        &self.sharer
    }

    /// The caller's name in the configuration.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The same, for those who keep it.
    pub(super) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// What the caller may do from now on.
    pub(super) fn change(&self, permissions: Arc<Permissions>) {
        show_limits(&permissions, &self.metrics);
        self.permissions.store(permissions);
    }

    /// The caller has left the configuration: it may do nothing from now on, and nothing of it is shown.
    pub(super) fn leave(&self) {
        self.permissions.store(Arc::new(Permissions::nothing()));
    }

    /// What the caller may do now.
    pub(super) fn permissions(&self) -> arc_swap::Guard<Arc<Permissions>> {
        self.permissions.load()
    }

    /// Takes the turn of one push, and counts it.
    pub(super) fn take_turn(&self) -> Result<(), Duration> {
        self.permissions().rate.as_ref().map_or(Ok(()), Rate::take)?;
        self.metrics.admitted();
        Ok(())
    }

    /// How the caller is.
    pub(super) fn look(&self) -> CallerLook {
        let permissions = self.permissions();
        CallerLook {
            name: Arc::clone(&self.name),
            taken: self.metrics.pushes(),
            rate: permissions.rate.as_ref().map(Rate::pushes_per_second_and_burst),
            in_flight: self.sharer.in_flight().map(|in_flight| in_flight.count()),
            streams: self.streams.count(),
            max_streams: permissions.max_streams,
            refusals: self.metrics.counts().filter(|(_, count)| *count > 0).collect(),
        }
    }

    /// Counts a refusal.
    pub(super) fn count(&self, denied: Denied) {
        self.metrics.refused(denied.rule());
    }

    /// Counts one more batch stream of the caller.
    pub(super) fn open_stream(&self) -> Result<OpenCall, Denied> {
        let most = self.permissions().max_streams.unwrap_or(usize::MAX);
        self.streams.open(most).ok_or(Denied::Streams(most))
    }
}

/// Shows what limits a caller.
fn show_limits(permissions: &Permissions, metrics: &OneCaller) {
    let rate = permissions.rate.as_ref().map(Rate::pushes_per_second_and_burst);
    metrics.limited(rate.map(|(pushes_per_second, _)| pushes_per_second), permissions.max_streams);
}

impl fmt::Debug for CallerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerRule").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a caller showed to be known, as long as it is good: a key or a certificate's identity that is taken out of the
/// configuration stops the streams that were opened with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Proof(Arc<AtomicBool>);

impl Proof {
    pub(super) fn revoke(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn is_revoked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Whether both are the same, and not only equal.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
