//! The right to hand requests to a connection, and what happens when nobody has it any more.

use std::sync::Arc;

use super::inbox::Inbox;

/// The right to hand requests to an HTTP/2 connection. A connection that drains lives on while somebody has one.
#[derive(Clone)]
pub(crate) struct Http2Sender(Arc<InboxSeal>);

impl Http2Sender {
    pub(crate) fn new(inbox: Arc<Inbox>) -> Self {
        Self(Arc::new(InboxSeal(inbox)))
    }

    pub(super) fn inbox(&self) -> &Arc<Inbox> {
        &self.0.0
    }
}

/// Seals the inbox when the last sender is dropped.
struct InboxSeal(Arc<Inbox>);

impl Drop for InboxSeal {
    fn drop(&mut self) {
        self.0.seal();
    }
}
