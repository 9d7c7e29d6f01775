//! What APNs checks and what it answers.

mod auth;
mod broadcast;
mod channels;
mod keys;
mod provider_key;
mod reply;
mod scripted;
mod server;
mod settings;
mod validate;

use std::borrow::Cow;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use uuid::Uuid;

pub(super) use self::auth::Session;
pub(super) use self::channels::ChannelList;
pub use self::channels::StoragePolicy;
pub(super) use self::keys::Keys;
pub use self::provider_key::{KeyScope, ProviderKey, ProviderKeySpec};
pub(super) use self::scripted::outcome_of_prefix;
pub use self::scripted::{ApnsScriptedOutcome, ApnsScriptedPrefix, apns_scripted_prefixes};
pub(super) use self::server::Apns;
pub(super) use self::settings::ApnsSettings;
pub use self::settings::LimitRises;

use self::auth::{Denied, Grant};
use self::reply::{IdHeader, Reply, headers};
use super::body::Body;
use super::decision::{Decision, FollowUp, Timing};
use super::fault::Refusal;
use super::service::Environment;

const DEVICE_PATH: &str = "/3/device/";
const BROADCAST_PATH: &str = "/4/broadcasts/apps/";

/// What APNs answers, and when, and what follows.
struct Judgement {
    reply: Reply,
    timing: Timing,
    follow_up: FollowUp,
    id: (IdHeader, Option<HeaderValue>),
}

/// Returns what APNs would tell the push proxy of a device: the reason of a refusal, and when the answer comes.
pub(super) fn outcome(apns: &Apns, device_token: &str, topic: &str) -> (Option<Cow<'static, str>>, Timing) {
    if !is_device_token(device_token) {
        return (Some("BadDeviceToken".into()), Timing::Now);
    }
    let outcome = apns.outcomes.of(device_token, apns.clock.now_ms());
    let (reply, timing) = scripted::answer_to_push(outcome, topic, Environment::Production);
    (reply.reason, timing)
}

/// A device token is hexadecimal. Apple asks not to assume a length.
fn is_device_token(token: &str) -> bool {
    token.len().is_multiple_of(2) && token.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// What the path names.
enum Target<'a> {
    /// A device token.
    Device(&'a str),
    /// The bundle id of a broadcast, whose channel is in a header.
    Broadcast(&'a str),
}

/// Judges a request that was read in full.
pub(super) fn decide(
    apns: &Apns,
    session: &Session,
    environment: Environment,
    parts: &Parts,
    body: &Body,
) -> Decision {
    judge(apns, session, environment, parts, body).written(environment)
}

/// Returns the answer that a fault asks for: this status and reason in the form of APNs.
pub(super) fn scripted_answer(
    parts: &Parts,
    environment: Environment,
    status: u16,
    reason: Option<&str>,
) -> Decision {
    let reason = reason.map(|reason| reason.to_owned().into());
    let reply = Reply { status, reason, timestamp_ms: None, retry_after: None };
    let judgement =
        Judgement { reply, timing: Timing::Now, follow_up: FollowUp::Nothing, id: message_name(parts) };
    judgement.written(environment)
}

/// Returns a refusal of this meaning. Source: Apple, "Handling notification responses from APNs".
pub(super) fn refuse(parts: &Parts, environment: Environment, refusal: Refusal) -> Decision {
    let (status, reason) = match refusal {
        Refusal::Quota => (429, "TooManyRequests"),
        Refusal::RevokedKey => (403, "InvalidProviderToken"),
        Refusal::Unavailable => (503, "ServiceUnavailable"),
        Refusal::Internal => (500, "InternalServerError"),
    };
    scripted_answer(parts, environment, status, Some(reason))
}

impl Judgement {
    fn written(self, environment: Environment) -> Decision {
        let Self { reply, timing, follow_up, id } = self;
        Decision {
            status: reply.status,
            headers: headers(&reply, id, environment),
            content_type: "application/json",
            body: reply.body(),
            reason: reply.reason,
            timing,
            follow_up,
        }
    }
}

/// Returns the id in a header, if it is a UUID, in upper or lower case.
pub(super) fn message_id(headers: &HeaderMap, name: &str) -> Option<Uuid> {
    Uuid::try_parse(validate::text(headers, name)?).ok()
}

/// Returns the header that names the request. It comes back as it was sent, which clients rely on.
fn message_name(parts: &Parts) -> (IdHeader, Option<HeaderValue>) {
    let header =
        if parts.uri.path().starts_with(BROADCAST_PATH) { IdHeader::ApnsRequestId } else { IdHeader::ApnsId };
    (header, parts.headers.get(header.name()).cloned())
}

fn judge(apns: &Apns, session: &Session, environment: Environment, parts: &Parts, body: &Body) -> Judgement {
    let id = message_name(parts);
    let refused = |reply, follow_up, id| Judgement { reply, timing: Timing::Now, follow_up, id };

    let target = match target(parts) {
        Ok(target) => target,
        Err(reply) => return refused(reply, FollowUp::Nothing, id),
    };
    let Grant { by, follow_up } =
        match session.authorize(apns, environment, parts.headers.get("authorization")) {
            Ok(grant) => grant,
            Err(Denied { reply, follow_up }) => return refused(reply, follow_up, id),
        };
    let bundle_ids = &apns.settings.bundle_ids;
    let judged = match target {
        Target::Device(device_token) => validate::push(&parts.headers, body, &by, bundle_ids).map(|topic| {
            let outcome = apns.outcomes.of(device_token, apns.clock.now_ms());
            scripted::answer_to_push(outcome, &topic, environment)
        }),
        Target::Broadcast(bundle_id) => {
            broadcast::check(&apns.channels, bundle_id, bundle_ids, &parts.headers, body)
                .map(|()| (Reply::accepted(), Timing::Now))
        }
    };
    match judged {
        Ok((reply, timing)) => Judgement { reply, timing, follow_up, id },
        Err(reply) => refused(reply, follow_up, id),
    }
}

/// Checks the method and the path, and that no header is repeated.
fn target(parts: &Parts) -> Result<Target<'_>, Reply> {
    if parts.method != Method::POST {
        return Err(Reply::refused(405, "MethodNotAllowed"));
    }
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let target = if let Some(token) = path.strip_prefix(DEVICE_PATH) {
        if token.is_empty() {
            return Err(Reply::refused(400, "MissingDeviceToken"));
        }
        if !is_device_token(token) {
            return Err(Reply::refused(400, "BadDeviceToken"));
        }
        Target::Device(token)
    } else if let Some(bundle_id) = path.strip_prefix(BROADCAST_PATH) {
        Target::Broadcast(bundle_id)
    } else {
        return Err(Reply::refused(404, "BadPath"));
    };
    if validate::has_duplicates(&parts.headers) {
        return Err(Reply::refused(400, "DuplicateHeaders"));
    }
    Ok(target)
}
