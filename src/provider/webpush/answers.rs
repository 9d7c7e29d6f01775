//! What each answer of a browser's push service means: first in its vendor's words, then by status.
//!
//! Sources: RFC 8030, section 5, and RFC 8292, section 4.2; github.com/mozilla-services/autopush-rs,
//! `docs/src/http.md`, error codes;
//! Apple, "Sending web push notifications in web apps and browsers"; Microsoft, "Push notification service
//! request and response headers". Google documents none: what it has been seen to answer has its source beside it.

use std::time::Duration;

use super::Vendor;
use super::reply::{Form, ReplyWords};
use crate::provider::front::{by_front, unreadable};
use crate::provider::meaning::{
    Meaning, credential, every, fault, gone, limited, ours, plain, unavailable, wrong_token,
};
use crate::provider::{Front502, Heal, Pace, Retry};
use crate::push::{Outcome, TokenAction};

/// The wait after an answer that asks to slow down and names no wait. No push service documents one, so the number is
/// the gateway's own.
/// Every answer that the push services of browsers are known to give, by the words that have no end of their own: Mozilla's
/// numbers, Apple's reasons, Microsoft's states, and the words of Google that are not sentences.
pub(super) fn known() -> Vec<(u16, &'static str)> {
    const KNOWN: &[(u16, &[&str])] = &[
        (201, &["", "channelthrottled"]),
        (200, &["", "channelthrottled", "dropped"]),
        (202, &[""]),
        (
            400,
            &[
                "",
                "101",
                "108",
                "110",
                "111",
                "112",
                "113",
                "114",
                "BadTtl",
                "BadUrgency",
                "BadWebPushRequest",
                "BadWebPushTopic",
                "IdleTimeout",
                "UnauthorizedRegistration",
                "VapidPkHashMismatch",
            ],
        ),
        (401, &["", "109"]),
        (403, &["", "BadAuthorizationHeader", "BadJwtToken", "BadVapidPublicKey", "VapidPkHashMismatch"]),
        (404, &["", "102", "BadPath"]),
        (405, &["", "MethodNotAllowed"]),
        (406, &[""]),
        (410, &["", "103", "105", "106", "NotRegistered", "Unregistered"]),
        (413, &["", "104", "PayloadTooLarge"]),
        (429, &["", "TooManyRequests"]),
        (500, &["", "999", "InternalServerError"]),
        (502, &["", "900", "901", "902", "903"]),
        (503, &["", "201", "202", "ServiceUnavailable", "Shutdown"]),
    ];
    every(KNOWN)
}

const RATE_DELAY: Duration = Duration::from_secs(60);
/// The wait after a push service failed. The number is the gateway's own.
const SERVER_DELAY: Duration = Duration::from_secs(10);
/// The wait after an idle connection was closed twice in a row. The number is the gateway's own.
const IDLE_DELAY: Duration = Duration::from_secs(1);

type Words = fn(u16, &ReplyWords) -> Option<Meaning>;

/// Where an answer is from, and its status.
pub(super) struct Answer {
    pub(super) vendor: Vendor,
    pub(super) status: u16,
    pub(super) front_502: Front502,
}

/// The meaning of an answer. Words that are not those of its vendor count for nothing.
pub(super) fn meaning(answer: &Answer, told: &ReplyWords) -> Meaning {
    let Answer { vendor, status, .. } = *answer;
    let words: &[Words] = match vendor {
        Vendor::Mozilla => &[mozilla],
        Vendor::Google => &[google],
        Vendor::Apple => &[apple],
        Vendor::Microsoft => &[microsoft],
        Vendor::Other => &[mozilla, google, apple, microsoft],
    };
    let known = words.iter().find_map(|words| words(status, told));
    known.or_else(|| not_its_own(answer, told)).unwrap_or_else(|| by_status(status))
}

/// The meaning of an answer that something in front of the push service gave. It deletes nothing, and accepts nothing.
fn not_its_own(answer: &Answer, told: &ReplyWords) -> Option<Meaning> {
    let Answer { vendor, status, front_502 } = *answer;
    if told.is_own() {
        return None;
    }
    match (status, told.form) {
        (200, Form::Empty) => None,
        // ntfy answers like this as a UnifiedPush server. Source: github.com/binwiederhier/ntfy, `docs/publish.md`.
        (200, Form::Json) if vendor == Vendor::Other => None,
        (200, _) => Some(unreadable(
            "the answer says 200 with a body that is no push service's; check what stands between",
        )),
        // Amazon's firewall says 202 where it passes nothing on, with a page for whoever accepts pages. Source: "AWS
        // WAF API Reference", ChallengeAction.
        (201 | 202, Form::Page) => Some(unreadable(
            "the answer says that the push was taken with a page, which no push service does; check what stands between",
        )),
        (400..500, Form::Page) | (500.., _) => by_front(status, front_502),
        _ => None,
    }
}

fn mozilla(status: u16, told: &ReplyWords) -> Option<Meaning> {
    Some(match (status, told.errno.as_str()) {
        (400, "108") => {
            wrong_token("Mozilla does not know what the endpoint stands for").at("target.web_push.endpoint")
        }
        (400, "113") => fault("Mozilla does not take the topic; change content.web_push.topic")
            .at("content.web_push.topic"),
        // The page says 112, and the code says 114. Source: github.com/mozilla-services/autopush-rs,
        // `autoendpoint/src/error.rs`.
        (400, "112" | "114") => {
            fault("Mozilla does not take the time to live; change options.ttl").at("options.ttl")
        }
        // Source: github.com/mozilla-services/autopush-rs, `autoendpoint/src/headers/vapid.rs`.
        (401, "109") if told.message.contains("VAPID public key mismatch") => OTHER_KEY,
        (503, "202") => {
            unavailable(Retry::OnceThen(SERVER_DELAY), Heal::Nothing, "Mozilla asks to try again at once")
        }
        _ => return None,
    })
}

fn google(status: u16, told: &ReplyWords) -> Option<Meaning> {
    let says = |words| told.line.contains(words);
    Some(match status {
        400 if says("UnauthorizedRegistration") => NOT_THIS_KEY,
        // Older answers have the same words in the title of a page.
        404 | 410 if says("NotRegistered") || says("unsubscribed or expired") => GONE,
        // Source: github.com/web-push-libs/webpush-java, issues 206 and 212.
        403 if says("do not correspond to the credentials used to create the subscription") => OTHER_KEY,
        // This is an older sentence for the same. Source: github.com/bartbutenaers/node-red-contrib-ui-web-push, issue
        // 7.
        403 if says("does not correspond to the sender ID used to subscribe") => OTHER_KEY,
        403 if says("invalid push subscription endpoint") => credential(
            // Source: github.com/zaru/webpush, issue 89.
            "Google does not take the endpoint; it has been seen to take it again later",
        ),
        _ => return None,
    })
}

fn apple(status: u16, told: &ReplyWords) -> Option<Meaning> {
    Some(match (status, told.reason.as_str()) {
        (400, "BadWebPushTopic") => {
            fault("Apple does not take the topic; change content.web_push.topic").at("content.web_push.topic")
        }
        (400, "BadTtl") => {
            fault("Apple does not take the time to live; change options.ttl").at("options.ttl")
        }
        (400, "BadUrgency") => fault("Apple does not take the urgency").at("content.web_push.urgency"),
        (400, "IdleTimeout") => unavailable(
            Retry::OnceThen(IDLE_DELAY),
            Heal::Retire,
            "Apple closed the connection because it was idle",
        ),
        // Apple lists statuses and reasons separately, so a reason counts with any status.
        (400 | 403, "VapidPkHashMismatch") => NOT_THIS_KEY,
        (404, "BadPath") => ours("Apple does not know the path of the gateway's request; report it"),
        (500..=599, "Shutdown") => {
            unavailable(Retry::After(SERVER_DELAY), Heal::Retire, "this server of Apple's is shutting down")
        }
        _ => return None,
    })
}

fn microsoft(status: u16, told: &ReplyWords) -> Option<Meaning> {
    Some(match (status, told.wns_status.as_str()) {
        (200..=202, "channelthrottled") | (406, _) => {
            limited(RATE_DELAY, Pace::Target, "Microsoft throttles pushes to this browser; send it fewer")
        }
        // WNS blocks the sender's domain, and says nothing about the subscription.
        (410, _) if told.blocks_sender() => {
            credential("Microsoft has blocked the sender for abuse; stop sending and ask Microsoft")
        }
        _ => return None,
    })
}

fn by_status(status: u16) -> Meaning {
    match status {
        200..=202 => plain(Outcome::Accepted, TokenAction::Keep, ""),
        // A redirect is never followed, because an answer could send the gateway anywhere.
        300..400 => Meaning {
            retryable: true,
            ..plain(
                Outcome::UpstreamUnavailable,
                TokenAction::Keep,
                "the push service answers with a redirect, which the gateway never follows",
            )
        },
        401 | 403 => RENEWED,
        404 | 410 => GONE,
        405 => ours("the push service does not take the method of the gateway's request; report it"),
        // The request was not received whole. Source: RFC 9110, section 15.5.9.
        408 => failed("the push service did not wait for the whole request"),
        413 => plain(
            Outcome::PayloadTooLarge,
            TokenAction::Keep,
            "the payload is too large for this push service; make it smaller",
        )
        .at("content"),
        // It is about the target. Source: RFC 8030, section 8.4.
        429 => limited(RATE_DELAY, Pace::Target, "the push service asks to slow down"),
        400..500 => fault("the push service does not take the push; its reason says why"),
        500.. => failed("the push service failed, or is overloaded"),
        // A 2xx does not prove a refusal, so the push may have been taken.
        203..300 => unreadable(
            "the answer says that all is well, and not as a push service says it; check what stands before it",
        ),
        0..200 => ours("the answer is none that a push service gives; check what stands before it"),
    }
}

const GONE: Meaning = gone("the subscription is gone");

/// The subscription was made with another key, and that never changes. `dispatch` sets such subscriptions aside where
/// there are many, because then it is the app's key that was changed.
const OTHER_KEY: Meaning = wrong_token("the subscription was made with another key");

/// The subscription was most likely made with another key. It is set aside, because the push service does not tell this
/// from an app without a key.
const NOT_THIS_KEY: Meaning = plain(
    Outcome::Credential,
    TokenAction::Quarantine,
    "this subscription and the app's key do not belong together; check the app's web_push.key_file",
);

/// The token is absent or invalid; no vendor keeps to one status for each. The next push goes out with a newer token,
/// in case the token is at fault. Most often the key is, so this push is not sent again.
const RENEWED: Meaning = Meaning {
    heal: Heal::Renew,
    ..credential(
        "the push service does not take the VAPID token; check web_push.key_file, subject and the gateway's clock",
    )
};

const fn failed(detail: &'static str) -> Meaning {
    unavailable(Retry::After(SERVER_DELAY), Heal::Nothing, detail)
}
