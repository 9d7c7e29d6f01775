//! The ingress of Matrix homeservers through a whole gateway, over real sockets.

mod answers;
mod changes;
mod configuration;
mod doors;
mod repeats;

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanfare::config::Config;
use fanfare::ingress::http::HttpSettings;
use fanfare::ingress::matrix::{ApnsDialect, Dialect, MatrixApp, MatrixApps, MatrixSettings};
use fanfare::push::AppId;
use fanfare_simulator::SimulatorBuilder;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{APP, SOON, World, good};

pub(crate) const APP_ID: &str = "com.example.ios";
const NOTIFY: &str = "/_matrix/push/v1/notify";

/// An app of this provider.
pub(crate) fn app(dialect: Dialect) -> MatrixApp {
    MatrixApp { app: AppId::parse(APP).unwrap(), dialect, ttl: None }
}

pub(crate) fn apns() -> Dialect {
    Dialect::Apns(ApnsDialect { push_type: String::new(), converts_to_hex: true, badge_counts: true })
}

/// A listener on a free port of loopback that serves one app.
pub(crate) fn listener(app: MatrixApp) -> HttpSettings {
    let mut apps = MatrixApps::default();
    apps.add(APP_ID, app).unwrap();
    let mut settings = HttpSettings::on(SocketAddr::from(([127, 0, 0, 1], 0)));
    settings.matrix = Some(MatrixSettings { apps, ..MatrixSettings::default() });
    settings
}

/// A world whose gateway has such a listener, for an app on APNs.
async fn world(change: impl FnOnce(&mut MatrixSettings, &mut Config)) -> World {
    with(|builder| builder, change).await
}

async fn with(
    simulator: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder,
    change: impl FnOnce(&mut MatrixSettings, &mut Config),
) -> World {
    World::with(simulator, |config| {
        let mut http = listener(app(apns()));
        change(http.matrix.as_mut().unwrap(), config);
        config.http.push(http);
    })
    .await
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// The answer that names these pushkeys.
pub(crate) fn rejected(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let rejected = answer.body["rejected"].as_array().expect("an answer has a list");
    rejected.iter().map(|pushkey| pushkey.as_str().unwrap()).collect()
}

/// Sends a request on a connection of its own.
async fn call(world: &World, method: &str, path: &str, body: &str) -> Answer {
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: gateway\r\nuser-agent: Synapse/1.163.2\r\ncontent-type: application/json\r\n\
         accept-encoding: gzip\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(world.gateway.http_addresses()[0]).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut said = String::new();
    timeout(SOON, stream.read_to_string(&mut said)).await.expect("an answer comes").unwrap();
    let (head, body) = said.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_ascii_lowercase(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

/// Tells devices of something, as a homeserver does.
pub(crate) async fn notify(world: &World, request: &Value) -> Answer {
    call(world, "POST", NOTIFY, &request.to_string()).await
}

/// An event for some devices.
pub(crate) fn event(id: &str, devices: &[Value]) -> Value {
    json!({"notification": {
        "event_id": id, "id": id, "room_id": "!room:example.org", "type": "m.room.message", "prio": "high",
        "sender": "@alice:example.org", "sender_display_name": "Alice", "room_name": "Mission Control",
        "content": {"msgtype": "m.text", "body": "hello"}, "counts": {"unread": 1}, "devices": devices,
    }})
}

fn device(pushkey: &str) -> Value {
    json!({"app_id": APP_ID, "pushkey": pushkey, "pushkey_ts": 1_700_000_000, "data": {},
        "tweaks": {"sound": "default", "highlight": false}})
}

/// A device token as iOS apps of Matrix register it.
fn base64_of(hex: &str) -> String {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    STANDARD.encode((0..hex.len()).step_by(2).map(byte).collect::<Vec<_>>())
}

/// The pushkey of a good device.
pub(crate) fn pushkey(number: usize) -> String {
    base64_of(&good(number))
}

/// The pushkey of a device that is gone.
fn gone(number: usize) -> String {
    base64_of(&format!("dead{number:060x}"))
}

/// How many pushes the push service got for a device.
fn arrived(world: &World, hex: &str) -> usize {
    world.simulator.journal().by_device_token(hex).len()
}

const SHORT: Duration = Duration::from_millis(300);
