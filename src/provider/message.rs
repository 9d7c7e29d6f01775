//! What is sent to a push service.

use bytes::Bytes;
use http::HeaderMap;
use http::uri::PathAndQuery;

/// A request to a push service, complete but for origin and credential.
#[derive(Debug, Clone)]
pub struct Message<C = ()> {
    /// Its path.
    pub path: PathAndQuery,
    /// Its headers, without `authorization` and `content-length`.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Whether it says how long the push may be kept, counted from when it is sent. Such a message is addressed anew
    /// before each attempt, because otherwise the time that it waited would not count.
    pub counts_down: bool,
    /// What its answer is read by.
    pub context: C,
}

/// Room for the headers of a message, and for the two that are added when it is sent.
pub(super) fn headers(most: usize) -> HeaderMap {
    HeaderMap::with_capacity(most + 2)
}
