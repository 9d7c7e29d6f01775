//! What the Mattermost push proxy checks and what it answers, over HTTP/1.1.
//!
//! Source: mattermost/mattermost-push-proxy, `server/`, and exchanges recorded from its version 6.5.0, which the tests
//! replay. The devices behind it are those of the simulated APNs and FCM.

mod control;
mod json;
mod notification;
mod proxied;
mod proxy;
mod response;
mod settings;
mod throttle;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

pub use self::control::Mattermost;
pub use self::proxied::ProxiedRequest;
pub(super) use self::proxy::PushProxy;
pub use self::settings::MattermostSettings;

use self::notification::{Notification, read_ack};
use self::response::{fail, html, not_found, version};
use super::body::Body;
use super::decision::Decision;
use super::fault::Refusal;

const SEND: &str = "/api/v1/send_push";
const ACK: &str = "/api/v1/ack";

/// Answers a request that was read in full.
pub(super) fn decide(proxy: &PushProxy, parts: &Parts, body: &Body) -> Decision {
    let key = parts.headers.get("x-forwarded-for").map(HeaderValue::as_bytes).unwrap_or_default();
    let limit = proxy.settings.throttle_per_second;
    let counted = proxy.throttle.count(key, limit, proxy.clock.now_ms());
    let decision = if counted.denied { response::denied() } else { route(proxy, parts, body) };
    with_headers(decision, counted.headers)
}

/// Returns the answer that a fault asks for, whose reason is the text of a failure.
pub(super) fn scripted_answer(status: u16, reason: Option<&str>) -> Decision {
    match reason {
        None => Decision::new(status, response::TEXT, ""),
        Some(reason) => Decision { status, ..fail(reason.to_owned()) },
    }
}

/// Returns a refusal of this meaning. The proxy has few words of its own: it repeats what APNs and FCM told it, or its
/// front answers.
pub(super) fn refuse(refusal: Refusal) -> Decision {
    match refusal {
        Refusal::Quota => response::denied(),
        Refusal::RevokedKey => fail("unknown send response error"),
        Refusal::Unavailable => Decision::front(503),
        Refusal::Internal => Decision::new(500, response::TEXT, ""),
    }
}

/// Returns the device that the body of a push names.
pub(super) fn device_id_in(parts: &Parts, body: &Body) -> Option<String> {
    let push = parts.uri.path() == SEND;
    let notification = push.then(|| Notification::read(body).ok())??;
    Some(notification.text("device_id").to_owned()).filter(|id| !id.is_empty())
}

fn route(proxy: &PushProxy, parts: &Parts, body: &Body) -> Decision {
    let path = parts.uri.path();
    let clean = cleaned(path);
    if clean != path {
        return response::moved(&clean, parts.uri.query());
    }
    match (&parts.method, path) {
        (&Method::GET, "/") => html(),
        (&Method::GET, "/version") => version(),
        (&Method::POST, SEND) => send(proxy, body).unwrap_or_else(fail),
        (&Method::POST, ACK) => read_ack(body).map_or_else(fail, |()| response::ok()),
        // The route of pushes is the only one that another method does not find at all.
        (_, "/" | "/version" | ACK) => Decision::new(405, response::TEXT, ""),
        _ => not_found(),
    }
}

/// Removes empty and dotted steps from a path. The router of the proxy redirects callers to the result. Source:
/// gorilla/mux, `cleanPath`.
fn cleaned(path: &str) -> String {
    let mut steps = Vec::new();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    let end = if path.ends_with('/') && !steps.is_empty() { "/" } else { "" };
    format!("/{}{end}", steps.join("/"))
}

/// Answers a push, with the checks in the order of the proxy.
fn send(proxy: &PushProxy, body: &Body) -> Result<Decision, String> {
    let notification = Notification::read(body)?;
    let server_id = notification.text("server_id");
    if server_id.is_empty() {
        return Err("Failed because of missing server Id".to_owned());
    }
    let device_id = notification.text("device_id");
    if device_id.is_empty() {
        return Err(format!("Failed because of missing device Id serverId={server_id}"));
    }
    let (platform, app_version) = notification.platform();
    let settings = &proxy.settings;
    if let Some((_, topic)) = settings.apple.iter().find(|(known, _)| known == platform) {
        let request = proxied::of_apns(&notification, app_version, topic);
        let decision = response::of_apns(proxy, device_id, topic, &request);
        proxy.note(request);
        return Ok(decision);
    }
    if settings.android.iter().any(|known| known == platform) {
        let request = proxied::of_fcm(&notification);
        let decision = response::of_fcm(proxy, device_id, &request);
        proxy.note(request);
        return Ok(decision);
    }
    Err(format!(
        "Did not send message because of missing platform property type={platform} serverId={server_id}"
    ))
}

fn with_headers(mut decision: Decision, headers: HeaderMap) -> Decision {
    decision.headers.extend(headers);
    decision
}
