//! What is sent to a push service.

use bytes::Bytes;
use http::HeaderMap;
use http::uri::PathAndQuery;

use super::{Front502, webpush};

/// A request to a push service, complete but for origin and credential.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its path.
    pub path: PathAndQuery,
    /// Its headers but `authorization` and `content-length`.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// It says how long the push may be kept, counted from when it is sent: addressed anew before each
    /// attempt, or the time that it waited would not count.
    pub counts_down: bool,
    /// What its answer is read by.
    pub context: ReplyContext,
}

/// What the answer to a message is read by, beside the answer itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplyContext {
    /// It names a Live Activity's token beside its target, and an answer may be about either.
    pub live_activity_token: bool,
    /// The caller wrote the message by hand, so that whatever the answer names in it is of that field.
    pub raw_message: bool,
    /// What a front's 502 means for this app.
    pub front_502: Front502,
    /// Whose push service it is for, where it is for a browser's.
    pub vendor: Option<webpush::Vendor>,
}

/// Room for the headers of a message, and for the two that it is sent with.
pub(super) fn headers(most: usize) -> HeaderMap {
    HeaderMap::with_capacity(most + 2)
}
