//! What the listeners have in common with the rest of the gateway.

use std::sync::Arc;

use fanfare_upstream::Upstream;
use tokio_util::task::TaskTracker;

use crate::caller::Callers;
use crate::desk::Desk;
use crate::held_bytes::BytesBudget;
use crate::metrics::{MatrixMetrics, MattermostMetrics};

/// What the listeners have in common with the rest of the gateway.
#[derive(Clone)]
pub(crate) struct HttpParts {
    pub(crate) desk: Arc<Desk>,
    pub(crate) callers: Arc<Callers>,
    pub(crate) budget: Arc<BytesBudget>,
    /// Owns the tasks of batches, so that their end can be waited for.
    pub(crate) batches: TaskTracker,
    /// Reaches the push proxy that an ingress forwards to.
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) mattermost: MattermostMetrics,
    pub(crate) matrix: MatrixMetrics,
}
