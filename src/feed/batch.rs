//! The events that are sent together, as the body of one request.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use super::event::FeedEvent;

/// The largest body, in bytes. Receivers bound what they read: nginx takes 1 MiB unless it is told otherwise.
///
/// Source: nginx, "ngx_http_core_module", `client_max_body_size`.
const MAX_BODY_BYTES: usize = 1 << 20;

const BEGINS: &[u8] = b"{\"events\":[";
const ENDS: &[u8] = b"]}";

/// Events that are gathered.
pub(super) struct Gathered {
    body: Vec<u8>,
    events: usize,
    oldest: Instant,
}

/// Events that are sent together, again and again under the same id until the receiver takes them.
pub(super) struct Batch {
    /// The id by which a receiver knows what it has taken before.
    pub(super) id: String,
    pub(super) body: Bytes,
    /// How many events it has.
    pub(super) events: usize,
    /// When the oldest event was made.
    pub(super) oldest: Instant,
}

impl Gathered {
    /// Begins with an event.
    pub(super) fn first(event: &FeedEvent) -> Self {
        let mut begun = Self { body: BEGINS.to_vec(), events: 1, oldest: event.at };
        begun.body.extend(json(event));
        begun
    }

    /// Adds an event.
    ///
    /// # Errors
    /// Fails with the event where the body would become too large for it.
    pub(super) fn add(&mut self, event: Arc<FeedEvent>) -> Result<(), Arc<FeedEvent>> {
        let text = json(&event);
        if self.body.len() + 1 + text.len() + ENDS.len() > MAX_BODY_BYTES {
            return Err(event);
        }
        self.body.push(b',');
        self.body.extend(text);
        self.events += 1;
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.events
    }

    /// Takes no more.
    pub(super) fn close(self) -> Batch {
        let Self { mut body, events, oldest } = self;
        body.extend_from_slice(ENDS);
        let id = format!("msg_{}", Uuid::new_v4().simple());
        Batch { id, body: body.into(), events, oldest }
    }
}

fn json(event: &FeedEvent) -> Vec<u8> {
    // No member of it can fail to be written.
    serde_json::to_vec(event).unwrap_or_default()
}
