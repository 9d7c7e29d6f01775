//! What an answer of a browser's push service means. It never fails, whatever the bytes.

use std::time::SystemTime;

use fanfare_upstream::{Fields, Head};
use http::StatusCode;

use super::Vendor;
use super::answers::{Answer, meaning};
use super::reply::{ReplyWords, has_own_header};
use crate::provider::retry_after::retry_after;
use crate::provider::{Front502, Reply, Verdict, cut};
use crate::push::Outcome;

/// What an answer of a vendor's push service means that came at `now`.
pub(super) fn classify(reply: &Reply, vendor: Vendor, front_502: Front502, now: SystemTime) -> Verdict {
    let told = ReplyWords::read(reply);
    let answer = Answer { vendor, status: reply.status.as_u16(), front_502 };
    let verdict = meaning(&answer, &told).verdict(&told.reason());
    let accepted = verdict.outcome == Outcome::Accepted;
    Verdict {
        retry: verdict.retry.asked_to_wait(retry_after(&reply.fields, now)),
        upstream_id: if accepted { upstream_id(&reply.fields) } else { String::new() },
        ..verdict
    }
}

/// The head decides where the status line says that the push was taken. A bare 200 does not say so, because anything
/// may answer 200.
///
/// Source: RFC 8030, section 5.
pub(super) fn head_decides(head: &Head) -> bool {
    matches!(head.status, StatusCode::CREATED | StatusCode::ACCEPTED)
        || (head.status == StatusCode::OK && has_own_header(&head.fields))
}

/// The name that the push service gave the push: `Location` by the standard, or else the vendor's own header.
///
/// Source: RFC 8030, section 5; Apple, "Sending web push notifications in web apps and browsers"; Microsoft,
/// "Push notification service request and response headers".
fn upstream_id(fields: &Fields) -> String {
    let names = ["location", "apns-id", "x-wns-msg-id"];
    let id = names.into_iter().filter_map(|name| fields.get_str(name)).find(|id| !id.is_empty());
    cut(id.unwrap_or_default(), Verdict::MAX_REASON_BYTES).to_owned()
}
