//! What each answer of APNs means: a table, read by status and reason.
//!
//! Source: Apple, "Handling notification responses from APNs"; for channels Apple, "Handling error
//! responses from Apple Push Notification service".

use std::time::Duration;

use crate::provider::front::{by_front, unreadable};
use crate::provider::meaning::{
    Meaning, credential, fault, gone, healing, limited, ours, plain, unavailable, wrong_token,
};
use crate::provider::{Front502, Heal, Pace, Retry};
use crate::push::{Outcome, TokenAction};

/// The meaning of an answer. An answer that is not in the table means what its status says.
pub(super) fn meaning(status: u16, reason: &str) -> Meaning {
    let row = TABLE.iter().find(|(at, reasons, _)| *at == status && reasons.contains(&reason));
    row.map_or_else(|| by_status(status), |(_, _, meaning)| *meaning)
}

/// The wait after a 5xx. Apple advises to try again after 15 minutes.
///
/// Source: Apple, "Handling notification responses from APNs".
const FIFTEEN_MINUTES: Duration = Duration::from_secs(900);
/// The shortest time between two provider tokens.
///
/// Source: Apple, "Establishing a token-based connection to APNs".
const TWENTY_MINUTES: Duration = Duration::from_secs(1200);
/// The wait after `TooManyRequests`. Apple asks for one and names none, so the number is the gateway's own.
const DEVICE_DELAY: Duration = Duration::from_secs(30);
/// The wait after something in front of APNs did not wait for the whole request. The number is the gateway's own.
const TIMEOUT_DELAY: Duration = Duration::from_secs(10);
/// The wait after an idle connection was closed twice in a row. The number is the gateway's own.
const IDLE_DELAY: Duration = Duration::from_secs(1);

/// The meaning of an answer that carries nothing of APNs' own, because something in front of APNs gave it.
pub(super) fn foreign(status: u16, front_502: Front502) -> Meaning {
    match status {
        200 => unreadable(
            "the answer says 200 without an apns-id, which APNs always gives; check what stands between",
        ),
        _ => by_front(status, front_502).unwrap_or_else(|| by_status(status)),
    }
}

/// What is said of a 2xx that APNs does not give. It does not prove a refusal, so the push may have been taken.
const NOT_AS_APNS_SAYS_IT: &str = "the answer says that all is well, and not as APNs says it; check what stands between the gateway and APNs";

type Row = (u16, &'static [&'static str], Meaning);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    (400, &["BadCollapseId"], fault("APNs does not take the collapse id; change options.collapse_key").at("options.collapse_key")),
    (400, &["BadExpirationDate"], fault("APNs does not take the expiration; a channel that stores nothing takes only a ttl of 0").at("options.ttl")),
    (400, &["BadMessageId"], fault("APNs does not take the id").at("id")),
    (400, &["BadPriority"], fault("APNs does not take this priority for this push type; change options.priority").at("options.priority")),
    (400, &["InvalidPushType"], fault("APNs does not take this push type; change content.apns.push_type").at("content.apns.push_type")),
    (400, &["PayloadEmpty"], fault("APNs found no payload").at("content")),
    (400, &["BadTopic", "MissingTopic"], fault("APNs does not take the topic; correct the topic, or the topics of the app").at("target.apns.topic")),
    (400, &["BadDeviceToken"], wrong_token("the device token is malformed, or of the other environment").at("target.apns.token")),
    (400, &["DeviceTokenNotForTopic"], wrong_token("the device token belongs to another topic").at("target.apns.token")),
    (400, &["TopicDisallowed"], credential("the credential may not push to this topic; correct the app's topics or its key").of_topic()),
    (400, &["DuplicateHeaders", "MissingDeviceToken"], ours("APNs found the gateway's request malformed; report it")),
    (400, &["IdleTimeout"], unavailable(Retry::OnceThen(IDLE_DELAY), Heal::Retire, "APNs closed the connection because it was idle")),

    (400, &["ChannelNotRegistered", "BadChannelId"], gone("the channel does not exist (any more)").at("target.apns_channel.channel_id")),
    (400, &["FeatureNotEnabled"], credential("broadcasts are not enabled for this app; enable the capability at Apple")),
    (400, &["CannotCreateChannelConfig"], credential("the app has as many channels as it may have; delete some at Apple")),
    (400, &["MissingChannelId", "BadRequestParams", "BadRequestPayload", "MissingPushType"], fault("APNs does not take the broadcast; its reason says why")),

    (403, &["ExpiredProviderToken"], healing(Heal::RenewAndRetire, "the provider token had expired; check the gateway's clock where this stays").of_credential()),
    (403, &["UnrelatedKeyIdInToken"], healing(Heal::Retire, "the connection was bound to another key; check that the app's key is for its topics where this stays").of_credential()),
    (403, &["InvalidProviderToken"], credential("APNs does not take the provider token; check key, key id and team id").of_credential()),
    (403, &["MissingProviderToken"], credential("APNs found neither a provider token nor a certificate; check the app's credential").of_credential()),
    (403, &["BadCertificate"], credential("APNs does not take the certificate; renew it").of_credential()),
    (403, &["BadCertificateEnvironment"], credential("the certificate is of the other environment; check the app's environment").of_credential()),
    // The first is the spelling on Apple's page, the second is what production has been seen to send.
    // Source: github.com/swift-server-community/APNSwift issue 229.
    (403, &["BadEnvironmentKeyIdInToken", "BadEnvironmentKeyInToken"], credential("the key is of the other environment; check the app's environment").of_credential()),
    (403, &["Forbidden"], credential("APNs forbids this; check what the key is allowed to do").of_credential()),
    (403, &["TopicMismatch"], credential("the certificate is not for this bundle id; correct the app's topics or its certificate").of_topic()),

    (404, &["BadPath"], ours("APNs does not know the path of the gateway's request; report it")),
    (405, &["MethodNotAllowed"], ours("APNs does not take the method of the gateway's request; report it")),
    (410, &["Unregistered"], gone("the device token is no longer active for the topic")),
    (410, &["ExpiredToken"], gone("the device token has expired")),
    (413, &["PayloadTooLarge"], TOO_LARGE),

    (429, &["TooManyRequests"], limited(DEVICE_DELAY, Pace::Target, "too many pushes in a row to this target; send it fewer")),
    (429, &["TooManyProviderTokenUpdates"], holding(limited(TWENTY_MINUTES, Pace::Nothing, "provider tokens were made too often for this team; let no other process use its key"))),

    (500, &["InternalServerError"], unavailable(Retry::After(FIFTEEN_MINUTES), Heal::Nothing, "APNs failed")),
    // Apple's page on channels prints a space.
    (503, &["ServiceUnavailable", "Service Unavailable"], unavailable(Retry::OnceThen(FIFTEEN_MINUTES), Heal::Retire, "APNs is unavailable")),
    (503, &["Shutdown"], unavailable(Retry::OnceThen(FIFTEEN_MINUTES), Heal::Retire, "this server of APNs is shutting down")),
];

/// The same, about tokens that were made too often.
/// Every answer that APNs is known to give.
pub(super) fn known() -> Vec<(u16, &'static str)> {
    let refusals =
        TABLE.iter().flat_map(|(status, reasons, _)| reasons.iter().map(|reason| (*status, *reason)));
    std::iter::once((200, "")).chain(refusals).collect()
}

const fn holding(meaning: Meaning) -> Meaning {
    Meaning { heal: Heal::HoldToken, ..meaning }
}

fn by_status(status: u16) -> Meaning {
    match status {
        403 => {
            credential("APNs refuses the credential for a reason that is new to the gateway").of_credential()
        }
        // The request was not received whole. Source: RFC 9110, section 15.5.9.
        408 => {
            unavailable(Retry::After(TIMEOUT_DELAY), Heal::Nothing, "APNs did not wait for the whole request")
        }
        410 => gone("the target is gone, for a reason that is new to the gateway"),
        413 => TOO_LARGE,
        429 => limited(
            DEVICE_DELAY,
            Pace::Target,
            "APNs asks to slow down, for a reason that is new to the gateway",
        ),
        400..500 => fault("APNs does not take the push, for a reason that is new to the gateway"),
        500.. => unavailable(Retry::After(FIFTEEN_MINUTES), Heal::Nothing, "APNs failed"),
        200..300 => unreadable(NOT_AS_APNS_SAYS_IT),
        0..400 => ours("the answer is none that APNs gives; check what stands between the gateway and APNs"),
    }
}

pub(super) const ACCEPTED: Meaning = plain(Outcome::Accepted, TokenAction::Keep, "");

const TOO_LARGE: Meaning =
    plain(Outcome::PayloadTooLarge, TokenAction::Keep, "the payload is over APNs' limit; make it smaller")
        .at("content");
