//! The right to hand requests to a connection, and what happens when nobody has it any more.

use std::sync::Arc;

use super::streams::Streams;

/// The right to hand requests to an HTTP/2 connection. A connection that drains lives on while somebody has one.
#[derive(Clone)]
pub(crate) struct Http2Sender(Arc<OutboxSeal>);

impl Http2Sender {
    pub(crate) fn new(streams: Arc<Streams>) -> Self {
        Self(Arc::new(OutboxSeal(streams)))
    }

    pub(super) fn streams(&self) -> &Arc<Streams> {
        &self.0.0
    }
}

/// Seals the outbox when the last sender is dropped.
struct OutboxSeal(Arc<Streams>);

impl Drop for OutboxSeal {
    fn drop(&mut self) {
        self.0.seal();
    }
}
