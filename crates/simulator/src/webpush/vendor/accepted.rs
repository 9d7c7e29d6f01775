//! A message that was taken, and where it is a resource.

use http::HeaderValue;
use uuid::Uuid;

use crate::decision::Decision;

/// A message that was taken.
pub(in crate::webpush) struct AcceptedMessage<'a> {
    pub(in crate::webpush) origin: &'a str,
    /// For how many seconds it is kept.
    pub(in crate::webpush) ttl: u64,
    /// Whether the browser is offline.
    pub(in crate::webpush) away: bool,
    /// The word of Microsoft for a message that was taken and is thrown away.
    pub(in crate::webpush) discarded: Option<&'static str>,
}

/// Adds the `Location` at which the message is a resource. Source: RFC 8030, 5.
pub(super) fn located(decision: Decision, origin: &str, folder: &str) -> Decision {
    let location = format!("{origin}/{folder}/{}", Uuid::new_v4().simple());
    match HeaderValue::try_from(location) {
        Ok(location) => decision.with_header("location", location),
        Err(_) => decision,
    }
}
