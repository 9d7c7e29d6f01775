//! What an answer of APNs means. Never fails, whatever the bytes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;

use super::answers::{ACCEPTED, foreign, meaning};
use super::headers::{APNS_ID, APNS_REQUEST_ID};
use crate::provider::retry_after::retry_after;
use crate::provider::words::{is_page, object, read, words};
use crate::provider::{Reply, ReplyContext, Verdict, cut};
use crate::push::Outcome;
use crate::upstream::Head;

/// What an answer that came at `now` means. APNs documents no `Retry-After`; where one comes
/// nonetheless it counts more than the table.
#[must_use]
pub fn classify(reply: &Reply, context: ReplyContext, now: SystemTime) -> Verdict {
    let (status, id) = (reply.status().as_u16(), upstream_id(reply.headers()));
    if status == 200 && !id.is_empty() {
        return Verdict { upstream_id: id, ..ACCEPTED.verdict("") };
    }
    let said = Said::read(reply.body());
    // APNs names every push that it answers, and its bodies are JSON. That all is well it says without a reason.
    let own = status != 200 && (!said.reason.is_empty() || (!id.is_empty() && !is_page(reply.body())));
    let verdict = if own {
        meaning(status, &said.reason).verdict(&said.reason)
    } else {
        foreign(status, context.front_502).verdict(&words(reply))
    };
    let gone = verdict.outcome == Outcome::Unregistered;
    Verdict {
        retry: verdict.retry.asked_to_wait(retry_after(reply.headers(), now)),
        upstream_id: id,
        token_invalid_since: if gone { said.timestamp } else { None },
        ..verdict
    }
}

/// Where APNs took a push it says so in the head, and the body says nothing.
pub(in crate::provider) fn head_decides(head: &Head) -> bool {
    head.status == StatusCode::OK && !upstream_id(&head.headers).is_empty()
}

/// The last second of the year 9999, which is also the last that the contract's Timestamp can say.
const LAST_MILLISECOND: u64 = 253_402_300_799_999;

/// What the body of an answer says.
#[derive(Default)]
struct Said {
    reason: String,
    timestamp: Option<SystemTime>,
}

impl Said {
    /// A body that is not the JSON of APNs says nothing.
    fn read(body: &[u8]) -> Self {
        /// Each member is read by itself, so that an odd one does not take the other away.
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

/// Milliseconds since the Unix epoch.
///
/// Source: Apple, "Handling notification responses from APNs".
fn since_epoch(milliseconds: u64) -> Option<SystemTime> {
    let sensible = milliseconds <= LAST_MILLISECOND;
    sensible.then(|| UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))).flatten()
}

/// `apns-id`; for a broadcast `apns-request-id`.
pub(super) fn upstream_id(headers: &HeaderMap) -> String {
    let named = headers.get(APNS_ID).or_else(|| headers.get(APNS_REQUEST_ID));
    let id = named.and_then(|id| id.to_str().ok()).unwrap_or_default();
    cut(id, Verdict::MAX_REASON_BYTES).to_owned()
}
