//! A call that an ingress is given.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tracing::Span;

use crate::desk::{Arrival, Caller, Desk};
use crate::held_bytes::BytesShare;
use crate::listener::Leaving;

/// What is known of a call. Its caller may use the RPC that the call is like.
pub(crate) struct Call<'a> {
    /// Where its pushes are handed in.
    pub(crate) desk: &'a Arc<Desk>,
    /// Who calls.
    pub(crate) caller: Caller,
    /// When it came.
    pub(crate) at: Instant,
    /// How long bytes take to its caller and back, which is zero where it is not known.
    pub(crate) round_trip: Duration,
    /// What it said beside its path and its body.
    pub(crate) headers: HeaderMap,
    /// What its pushes are counted against while they are in flight.
    pub(crate) share: BytesShare,
    /// What it learns of the end of its connection.
    pub(crate) leaving: &'a Leaving,
    /// Owns the tasks of batches, so that their end can be waited for.
    pub(crate) batches: &'a TaskTracker,
    /// The span of the call, which its pushes have as their parent. It is disabled where the call is not traced.
    pub(crate) span: &'a Span,
}

impl Call<'_> {
    /// When it came, and how long its caller waits. HTTP does not say that, so the ingress does.
    pub(crate) fn arrival(&self, timeout: Option<Duration>) -> Arrival {
        Arrival { at: self.at, timeout, round_trip: self.round_trip }
    }
}
