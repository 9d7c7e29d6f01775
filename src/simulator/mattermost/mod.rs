//! What the Mattermost push proxy checks and what it answers, over HTTP/1.1.
//!
//! Source: mattermost/mattermost-push-proxy, `server/`, and exchanges recorded from its version
//! 6.5.0, which the tests replay. The devices behind it are those of the simulated APNs and FCM.

mod ask;
mod control;
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
    /// Requests a second for each value of `x-forwarded-for`. Default 300.
    pub throttle_per_second: u64,
    /// How long it waits for APNs and FCM. Default 30 s.
    pub send_timeout: Duration,
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
            throttle_per_second: 300,
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

/// The device that the body of a push names.
pub(super) fn device_id_in(parts: &Parts, body: &Body) -> Option<String> {
    let push = parts.uri.path() == SEND;
    let notification = push.then(|| Notification::read(body).ok())??;
    Some(notification.text("device_id").to_owned()).filter(|id| !id.is_empty())
}

fn route(world: &World, parts: &Parts, body: &Body) -> Decision {
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/") => html(),
        (&Method::GET, "/version") => version(),
        (&Method::POST, SEND) => send(world, body).unwrap_or_else(fail),
        (&Method::POST, ACK) => read_ack(body).map_or_else(fail, |()| response::ok()),
        _ => not_found(),
    }
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
        world.mattermost.note(ask::of_apns(&notification, app_version, topic));
        return Ok(response::of_apns(world, device_id, topic));
    }
    if settings.android.iter().any(|known| known == platform) {
        world.mattermost.note(ask::of_fcm(&notification));
        return Ok(response::of_fcm(world, device_id));
    }
    Err(format!(
        "Did not send message because of missing platform property type={platform} serverId={server_id}"
    ))
}

fn with_headers(mut decision: Decision, headers: HeaderMap) -> Decision {
    decision.headers.extend(headers);
    decision
}
