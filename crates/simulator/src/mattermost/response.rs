//! Writes what the proxy answers. It answers 200 even when a push failed, so the body decides.

use std::borrow::Cow;

use http::HeaderValue;

use super::json::go_json;
use super::proxied::ProxiedRequest;
use super::proxy::PushProxy;
use crate::apns;
use crate::decision::{Decision, Timing};
use crate::fcm::{self, FcmScriptedOutcome};

/// The most bytes of a payload at APNs, and of one for VoIP. Source: Apple, "Generating a remote notification".
const MAX_PAYLOAD: usize = 4096;
const MAX_VOIP_PAYLOAD: usize = 5120;

pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// The reasons of APNs at which the proxy tells the server to forget the device.
const REMOVED_BY_APNS: [&str; 4] =
    ["BadDeviceToken", "Unregistered", "MissingDeviceToken", "DeviceTokenNotForTopic"];

/// The codes of FCM at which it does so.
const REMOVED_BY_FCM: [&str; 2] = ["UNREGISTERED", "SENDER_ID_MISMATCH"];

pub(super) fn ok() -> Decision {
    Decision::new(200, TEXT, "{\"status\":\"OK\"}\n")
}

pub(super) fn remove() -> Decision {
    Decision::new(200, TEXT, "{\"status\":\"REMOVE\"}\n").with_reason("REMOVE")
}

pub(super) fn fail(why: impl Into<Cow<'static, str>>) -> Decision {
    let why = why.into();
    let text = go_json(&serde_json::Value::from(&*why));
    Decision::new(200, TEXT, format!("{{\"error\":{text},\"status\":\"FAIL\"}}\n")).with_reason(why)
}

pub(super) fn html() -> Decision {
    Decision::new(200, "text/html; charset=utf-8", "<html><body>Mattermost Push Proxy</body></html>")
}

/// Answers as a build that names no version.
pub(super) fn version() -> Decision {
    Decision::new(200, "application/json", "{\"hash\":\"unknown\",\"version\":\"unknown+unknown\"}\n")
}

pub(super) fn moved(path: &str, query: Option<&str>) -> Decision {
    let location = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let decision = Decision::new(301, TEXT, "").with_reason("moved");
    match HeaderValue::try_from(location) {
        Ok(location) => decision.with_header("location", location),
        Err(_) => decision,
    }
}

pub(super) fn not_found() -> Decision {
    plain_error(404, "404 page not found\n").with_reason("not found")
}

pub(super) fn denied() -> Decision {
    plain_error(429, "limit exceeded\n").with_reason("limit exceeded")
}

/// Answers as Go's `http.Error` does.
fn plain_error(status: u16, text: &'static str) -> Decision {
    Decision::new(status, TEXT, text)
        .with_header("x-content-type-options", HeaderValue::from_static("nosniff"))
}

/// Answers once APNs has answered the proxy, or has not.
pub(super) fn of_apns(proxy: &PushProxy, device_id: &str, topic: &str, request: &ProxiedRequest) -> Decision {
    // A payload that is too large is refused before the device is looked at.
    if request.len() > if request.is_voip() { MAX_VOIP_PAYLOAD } else { MAX_PAYLOAD } {
        return fail("unknown send response error");
    }
    let (reason, timing) = apns::outcome(&proxy.apns, device_id, topic);
    let decision = match reason {
        _ if timing == Timing::Never => return unanswered(proxy, "unknown transport error"),
        None => ok(),
        Some(reason) if REMOVED_BY_APNS.contains(&&*reason) => remove(),
        Some(_) => fail("unknown send response error"),
    };
    Decision { timing, ..decision }
}

/// Answers once FCM has answered the proxy, or has not.
pub(super) fn of_fcm(proxy: &PushProxy, device_id: &str, request: &ProxiedRequest) -> Decision {
    if fcm::is_too_big(&request.body) {
        return fail("Message is too big");
    }
    match proxy.google.outcome(device_id) {
        FcmScriptedOutcome::Good => ok(),
        FcmScriptedOutcome::Refused(refusal)
            if refusal.code.is_some_and(|code| REMOVED_BY_FCM.contains(&code)) =>
        {
            remove()
        }
        FcmScriptedOutcome::Refused(refusal) => fail(refusal.message),
        FcmScriptedOutcome::Page(status) => fail(format!("unexpected http response with status: {status}")),
        FcmScriptedOutcome::Slow(delay) => Decision { timing: Timing::After(delay), ..ok() },
        FcmScriptedOutcome::Silent => unanswered(proxy, "context deadline exceeded"),
    }
}

/// Answers once the proxy has given up at its timeout.
fn unanswered(proxy: &PushProxy, why: &'static str) -> Decision {
    Decision { timing: Timing::After(proxy.settings.send_timeout), ..fail(why) }
}
