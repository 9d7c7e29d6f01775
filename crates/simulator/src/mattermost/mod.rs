//! What the Mattermost push proxy checks and what it answers, over HTTP/1.1.
//!
//! Source: mattermost/mattermost-push-proxy, `server/`, and exchanges recorded from its version
//! 6.5.0, which the tests replay. The devices behind it are those of the simulated APNs and FCM.

mod ask;
mod control;
mod json;
mod notification;
mod response;
mod throttle;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

pub use self::ask::Asked;
pub use self::control::Mattermost;

use self::notification::{Notification, read_ack};
use self::response::{fail, html, not_found, version};
use self::throttle::Throttle;
use super::body::Body;
use super::decision::Decision;
use super::fault::Refusal;
use super::sync::lock;
use super::world::World;

const SEND: &str = "/api/v1/send_push";
const ACK: &str = "/api/v1/ack";

/// What the proxy asked of APNs and FCM, as far as it is remembered.
const MAX_ASKED: usize = 10_000;

/// Settings of the stand-in for a Mattermost push proxy.
#[derive(Clone, Debug)]
pub struct MattermostSettings {
    /// Where it listens without TLS. Default: a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// Where it listens with TLS, as behind a reverse proxy. Default: a free port of 127.0.0.1.
    pub tls_listen: SocketAddr,
    /// The platforms that go to APNs, and their topics. Default `apple` and `apple_rn`, both
    /// `com.example.app`.
    pub apple: Vec<(String, String)>,
    /// The platforms that go to FCM. Default `android` and `android_rn`.
    pub android: Vec<String>,
    /// Requests a second for each value of `x-forwarded-for`; more are denied. Default
    /// [`MattermostSettings::UNTHROTTLED`], as the real one is.
    pub throttle_per_second: u64,
    /// How long it waits for APNs and FCM. Default 30 s.
    pub send_timeout: Duration,
}

impl MattermostSettings {
    /// For [`MattermostSettings::throttle_per_second`]: nothing is ever denied.
    pub const UNTHROTTLED: u64 = u64::MAX;
}

impl Default for MattermostSettings {
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let apple = |platform: &str| (platform.to_owned(), "com.example.app".to_owned());
        Self {
            listen: any_port,
            tls_listen: any_port,
            apple: vec![apple("apple"), apple("apple_rn")],
            android: vec!["android".to_owned(), "android_rn".to_owned()],
            throttle_per_second: Self::UNTHROTTLED,
            send_timeout: Duration::from_secs(30),
        }
    }
}

/// The proxy as it runs.
pub(super) struct Proxy {
    settings: MattermostSettings,
    throttle: Throttle,
    asked: Mutex<VecDeque<Asked>>,
}

impl Proxy {
    pub(super) fn new(settings: MattermostSettings) -> Self {
        Self { settings, throttle: Throttle::default(), asked: Mutex::default() }
    }

    fn note(&self, asked: Asked) {
        let mut all = lock(&self.asked);
        if all.len() == MAX_ASKED {
            all.pop_front();
        }
        all.push_back(asked);
    }
}

/// The answer to a request that was read in full.
pub(super) fn decide(world: &World, parts: &Parts, body: &Body) -> Decision {
    let key = parts.headers.get("x-forwarded-for").map(HeaderValue::as_bytes).unwrap_or_default();
    let limit = world.mattermost.settings.throttle_per_second;
    let counted = world.mattermost.throttle.count(key, limit, world.clock.now_ms());
    let decision = if counted.denied { response::denied() } else { route(world, parts, body) };
    with_headers(decision, counted.headers)
}

/// The answer that a script asks for: the reason is the text of a failure.
pub(super) fn told(status: u16, reason: Option<&str>) -> Decision {
    match reason {
        None => Decision::new(status, response::TEXT, ""),
        Some(reason) => Decision { status, ..fail(reason.to_owned()) },
    }
}

/// A refusal by what it means. The proxy has few words: it says what its own senders met, or its front speaks.
pub(super) fn refuse(refusal: Refusal) -> Decision {
    match refusal {
        Refusal::Quota => response::denied(),
        Refusal::RevokedKey => fail("unknown send response error"),
        Refusal::Unavailable => Decision::front(503),
        Refusal::Internal => Decision::new(500, response::TEXT, ""),
    }
}

/// The device that the body of a push names.
pub(super) fn device_id_in(parts: &Parts, body: &Body) -> Option<String> {
    let push = parts.uri.path() == SEND;
    let notification = push.then(|| Notification::read(body).ok())??;
    Some(notification.text("device_id").to_owned()).filter(|id| !id.is_empty())
}

fn route(world: &World, parts: &Parts, body: &Body) -> Decision {
    let path = parts.uri.path();
    let clean = cleaned(path);
    if clean != path {
        return response::moved(&clean, parts.uri.query());
    }
    match (&parts.method, path) {
        (&Method::GET, "/") => html(),
        (&Method::GET, "/version") => version(),
        (&Method::POST, SEND) => send(world, body).unwrap_or_else(fail),
        (&Method::POST, ACK) => read_ack(body).map_or_else(fail, |()| response::ok()),
        // The route of pushes alone is made so that another method does not find it.
        (_, "/" | "/version" | ACK) => Decision::new(405, response::TEXT, ""),
        _ => not_found(),
    }
}

/// A path without empty and dotted steps, to which the proxy's router sends a caller. Source: gorilla/mux, `cleanPath`.
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

/// A push, in the order in which the proxy checks it.
fn send(world: &World, body: &Body) -> Result<Decision, String> {
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
    let settings = &world.mattermost.settings;
    if let Some((_, topic)) = settings.apple.iter().find(|(known, _)| known == platform) {
        let asked = ask::of_apns(&notification, app_version, topic);
        let decision = response::of_apns(world, device_id, topic, &asked);
        world.mattermost.note(asked);
        return Ok(decision);
    }
    if settings.android.iter().any(|known| known == platform) {
        let asked = ask::of_fcm(&notification);
        let decision = response::of_fcm(world, device_id, &asked);
        world.mattermost.note(asked);
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
