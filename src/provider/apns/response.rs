//! Reply of APNs → verdict.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::provider::{Heal, Reply, Retry, Verdict, cut};
use crate::push::{Outcome, TokenAction};

/// Apple's advice for every 5xx. Source: Apple, "Handling notification responses from APNs".
const SERVER_ERROR: Retry = Retry::After(Duration::from_secs(15 * 60));

/// One quick try elsewhere, then Apple's advice.
const OVERLOADED: Retry = Retry::OnceThen(Duration::from_secs(15 * 60));

/// Too many pushes to one device; Apple asks for a delay and names no length.
const DEVICE_RATE: Retry = Retry::After(Duration::from_secs(30));

/// No new provider token for this long. Source: Apple, "Establishing a token-based connection to APNs".
const TOKEN_RATE: Retry = Retry::After(Duration::from_secs(20 * 60));

/// An idle connection was closed under the push.
const IDLE: Retry = Retry::OnceThen(Duration::from_secs(1));

/// The longest `Retry-After` believed. Undocumented by Apple, honoured where it appears.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// What an answer means. Never fails: a reason that is not known is kept and treated by its status.
#[must_use]
pub fn classify(reply: &Reply) -> Verdict {
    let status = reply.status().as_u16();
    let error: Error<'_> = match status {
        200 => Error::default(),
        _ => serde_json::from_slice(reply.body()).unwrap_or_default(),
    };
    let reason: &str = error.reason.as_deref().unwrap_or_default();
    let meaning = meaning(status, reason);
    let retry = match (meaning.retry, retry_after(reply)) {
        (Retry::After(_), Some(wait)) => Retry::After(wait),
        (Retry::OnceThen(_), Some(wait)) => Retry::OnceThen(wait),
        (retry, _) => retry,
    };
    Verdict {
        outcome: meaning.outcome,
        token_action: meaning.token_action,
        retry,
        retryable: retry != Retry::Never,
        heal: meaning.heal,
        detail: Cow::Borrowed(meaning.detail),
        upstream_reason: cut(reason, Verdict::MAX_REASON_BYTES).to_owned(),
        upstream_id: id(reply),
        // Milliseconds. Source: Apple, "Handling notification responses from APNs".
        token_invalid_since: error.timestamp.and_then(|ms| {
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms)).filter(|_| ms <= LAST_MILLISECOND)
        }),
    }
}

/// 9999-12-31T23:59:59.999Z, the last that google.protobuf.Timestamp holds.
const LAST_MILLISECOND: u64 = 253_402_300_799_999;

/// The reason is read as text first, so that a new one does not spoil the rest.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Error<'a> {
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    timestamp: Option<u64>,
}

struct Meaning {
    outcome: Outcome,
    token_action: TokenAction,
    retry: Retry,
    heal: Heal,
    detail: &'static str,
}

impl Meaning {
    const fn new(outcome: Outcome, detail: &'static str) -> Self {
        Self { outcome, token_action: TokenAction::Keep, retry: Retry::Never, heal: Heal::Nothing, detail }
    }

    const fn delete(self) -> Self {
        Self { token_action: TokenAction::Delete, ..self }
    }

    const fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    const fn heal(self, heal: Heal) -> Self {
        Self { heal, ..self }
    }
}

/// Source: Apple, "Handling notification responses from APNs"; the reasons of broadcasts, "Handling error
/// responses from Apple Push Notification service".
fn meaning(status: u16, reason: &str) -> Meaning {
    use Outcome::{
        Accepted, Credential, Internal, InvalidArgument, InvalidToken, PayloadTooLarge, RateLimited,
        Unavailable, Unregistered,
    };
    let it = Meaning::new;
    match (status, reason) {
        (200, _) => it(Accepted, ""),

        (400, "BadDeviceToken") => {
            it(InvalidToken, "the device token is malformed, or of the other environment").delete()
        }
        (400, "DeviceTokenNotForTopic") => {
            it(InvalidToken, "the device token belongs to another topic").delete()
        }
        (400, "ChannelNotRegistered" | "BadChannelId") => {
            it(Unregistered, "APNs does not know the broadcast channel (any more)").delete()
        }
        (400, "BadCollapseId") => it(InvalidArgument, "APNs refuses the collapse key"),
        (400, "BadExpirationDate") => it(InvalidArgument, "APNs refuses the expiry"),
        (400, "BadMessageId") => it(InvalidArgument, "APNs refuses the id"),
        (400, "BadPriority") => it(InvalidArgument, "APNs refuses the priority for this push type"),
        (400, "InvalidPushType" | "MissingPushType") => it(InvalidArgument, "APNs refuses the push type"),
        (400, "PayloadEmpty" | "BadRequestPayload") => it(InvalidArgument, "APNs refuses the payload"),
        (400, "MissingChannelId" | "BadRequestParams") => it(InvalidArgument, "APNs refuses the broadcast"),
        (400, "BadTopic" | "MissingTopic") => {
            it(InvalidArgument, "APNs refuses the topic; check the topics of the app's configuration")
        }
        (400, "TopicDisallowed") => {
            it(Credential, "the credential may not push to this topic; check the app's configuration")
        }
        (400, "FeatureNotEnabled" | "CannotCreateChannelConfig") => {
            it(Credential, "broadcasts are not enabled for this app at Apple")
        }
        (400, "DuplicateHeaders" | "MissingDeviceToken") => {
            it(Internal, "APNs finds the gateway's request malformed; please report it")
        }
        (400, "IdleTimeout") => {
            it(Unavailable, "APNs closed an idle connection under the push").retry(IDLE).heal(Heal::Retire)
        }

        (403, "ExpiredProviderToken") => {
            it(Credential, "APNs finds the provider token too old; check the gateway's clock")
                .retry(Retry::Once)
                .heal(Heal::RenewAndRetire)
        }
        (403, "UnrelatedKeyIdInToken") => {
            it(Credential, "the key is unrelated to the first key of the connection")
                .retry(Retry::Once)
                .heal(Heal::Retire)
        }
        (403, "InvalidProviderToken") => {
            it(Credential, "APNs does not accept the provider token; check key file, key id and team id")
        }
        (403, "MissingProviderToken") => {
            it(Credential, "APNs found neither a provider token nor a certificate")
        }
        (403, "BadCertificate") => it(Credential, "APNs does not accept the certificate"),
        (403, "BadCertificateEnvironment") => it(Credential, "the certificate is of the other environment"),
        // Apple's page prints the first, production sends the second (swift-server-community/APNSwift, #229).
        (403, "BadEnvironmentKeyIdInToken" | "BadEnvironmentKeyInToken") => {
            it(Credential, "the key is of the other environment")
        }
        (403, "TopicMismatch") => it(Credential, "the credential may not push to this topic"),
        (403, _) => it(Credential, "APNs forbids the push to this credential"),

        (404, "BadPath") => it(Internal, "APNs finds the gateway's path malformed; please report it"),
        (405, _) => it(Internal, "APNs refuses the gateway's method; please report it"),
        (410, _) => it(Unregistered, "the device token is no longer valid for the topic").delete(),
        (413, _) => it(PayloadTooLarge, "the payload is over APNs' limit"),

        (429, "TooManyProviderTokenUpdates") => {
            it(RateLimited, "APNs finds the provider token renewed too often; the present one is kept")
                .retry(TOKEN_RATE)
                .heal(Heal::HoldToken)
        }
        (429, _) => it(RateLimited, "too many pushes to this device token").retry(DEVICE_RATE),

        (503, _) => {
            it(Unavailable, "APNs is overloaded or shutting down").retry(OVERLOADED).heal(Heal::Retire)
        }
        (500..=599, _) => it(Unavailable, "APNs failed").retry(SERVER_ERROR),
        (400..=499, _) => it(InvalidArgument, "APNs refuses the push for a reason that is not known here"),
        _ => it(Internal, "APNs gave an answer that is none of its own"),
    }
}

fn id(reply: &Reply) -> String {
    let headers = reply.headers();
    let id = headers.get("apns-id").or_else(|| headers.get("apns-request-id"));
    let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
    cut(id, Verdict::MAX_REASON_BYTES).to_owned()
}

/// In seconds; a date would need a clock.
fn retry_after(reply: &Reply) -> Option<Duration> {
    let seconds: u64 = reply.headers().get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}
