//! What an answer of APNs means. It never fails, whatever the bytes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanfare_upstream::{Fields, Head};
use http::StatusCode;
use serde_json::value::RawValue;

use super::answers::{ACCEPTED, foreign, meaning};
use super::headers::{APNS_ID, APNS_REQUEST_ID};
use crate::provider::retry_after::retry_after;
use crate::provider::words::{is_page, object, read, words};
use crate::provider::{Front502, Reply, Verdict, cut};
use crate::push::Outcome;

/// What an answer means that came at `now`. APNs documents no `Retry-After`; where an answer has one all the same, it
/// counts more than the wait in the table.
pub(super) fn classify(reply: &Reply, front_502: Front502, now: SystemTime) -> Verdict {
    let (status, id) = (reply.status.as_u16(), upstream_id(&reply.fields));
    if status == 200 && !id.is_empty() {
        return Verdict { upstream_id: id, ..ACCEPTED.verdict("") };
    }
    let error = ErrorBody::read(&reply.body);
    // APNs names every push that it answers, its error bodies are JSON, and its 200 carries no reason.
    let own = status != 200 && (!error.reason.is_empty() || (!id.is_empty() && !is_page(&reply.body)));
    let verdict = if own {
        meaning(status, &error.reason).verdict(&error.reason)
    } else {
        foreign(status, front_502).verdict(&words(reply))
    };
    let gone = verdict.outcome == Outcome::Unregistered;
    Verdict {
        retry: verdict.retry.asked_to_wait(retry_after(&reply.fields, now)),
        upstream_id: id,
        token_invalid_since: if gone { error.timestamp } else { None },
        ..verdict
    }
}

/// The head decides where APNs took a push: the head says so, and the body is empty.
pub(super) fn head_decides(head: &Head) -> bool {
    head.status == StatusCode::OK && !upstream_id(&head.fields).is_empty()
}

/// The last millisecond of the year 9999, which is also the last moment that the contract's Timestamp can hold.
const LAST_MILLISECOND: u64 = 253_402_300_799_999;

/// The error body of an answer: why APNs refuses a push, and since when its target is gone.
#[derive(Default)]
struct ErrorBody {
    reason: String,
    timestamp: Option<SystemTime>,
}

impl ErrorBody {
    /// Reads a body. One that is not the JSON of APNs is read as one that says nothing.
    fn read(body: &[u8]) -> Self {
        /// Each member is read by itself, so that a malformed one does not hide the other.
        #[derive(serde::Deserialize)]
        struct Members<'a> {
            #[serde(borrow)]
            reason: Option<&'a RawValue>,
            #[serde(borrow)]
            timestamp: Option<&'a RawValue>,
        }
        let Some(members) = object::<Members<'_>>(body) else { return Self::default() };
        Self {
            reason: members.reason.and_then(read).unwrap_or_default(),
            timestamp: members.timestamp.and_then(read).and_then(since_epoch),
        }
    }
}

/// A moment from milliseconds since the Unix epoch; none where it is past the year 9999.
///
/// Source: Apple, "Handling notification responses from APNs".
fn since_epoch(milliseconds: u64) -> Option<SystemTime> {
    let sensible = milliseconds <= LAST_MILLISECOND;
    sensible.then(|| UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))).flatten()
}

/// The name that APNs gave the push: `apns-id`, or `apns-request-id` for a broadcast.
pub(super) fn upstream_id(fields: &Fields) -> String {
    let name = if fields.get(APNS_ID.as_str()).is_some() { APNS_ID } else { APNS_REQUEST_ID };
    cut(fields.get_str(name.as_str()).unwrap_or_default(), Verdict::MAX_REASON_BYTES).to_owned()
}
