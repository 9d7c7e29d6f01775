//! What an answer of FCM means. It never fails, whatever the bytes.

use std::time::SystemTime;

use super::answers::{SERVER_DELAY, meaning};
use super::reply::{ReplyBody, ReplyContext};
use crate::provider::retry_after::retry_after;
use crate::provider::{Reply, Verdict, cut};
use crate::push::Outcome;

/// What an answer means that came at `now`.
pub(super) fn classify(reply: &Reply, context: ReplyContext, now: SystemTime) -> Verdict {
    let status = reply.status.as_u16();
    let body = ReplyBody::read(reply);
    let verdict = meaning(status, &body, context.live_activity_token).verdict(body.reason());
    let asked = retry_after(&reply.fields, now);
    let least = if verdict.outcome == Outcome::UpstreamUnavailable {
        asked.map(|it| it.max(SERVER_DELAY))
    } else {
        asked
    };
    let accepted = verdict.outcome == Outcome::Accepted;
    Verdict {
        retry: verdict.retry.asked_to_wait(least),
        field: body.field(verdict.outcome, context).into(),
        detail: if accepted { verdict.detail } else { body.quoted_after(verdict.detail) },
        upstream_id: cut(&body.name, Verdict::MAX_REASON_BYTES).to_owned(),
        ..verdict
    }
}
