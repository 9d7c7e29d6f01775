//! The gateway as a push proxy of Mattermost servers: real HTTP on one side, the simulated APNs, FCM and push proxy on the other.

mod configuration;
mod environment;
mod forward;
mod pushes;
mod reload;
mod slow;

use std::net::SocketAddr;
use std::sync::Arc;

use fanfare::app::{Gateway, Network};
use fanfare::config::{AppConfig, Config, FcmConfig};
use fanfare::credential::google::Source;
use fanfare::ingress::http::HttpSettings;
use fanfare::ingress::mattermost::{ForwardSettings, MattermostSettings, PlatformApp, PlatformKind};
use fanfare::provider::fcm::{Fcm, FcmSettings as Project};
use fanfare::push::AppId;
use fanfare_simulator::journal::Entry;
use fanfare_simulator::{FcmSettings, Simulator};
use fanfare_upstream::{Http, Peer, Reach, tls};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{SOON, TOPIC, config, trust};

const SEND_PUSH: &str = "/api/v1/send_push";
const PROJECT: &str = "demo-project";

/// A gateway that serves `apple_rn` and `android_rn`, in front of a simulator.
struct World {
    simulator: Simulator,
    gateway: Gateway,
}

/// The answer to a call.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// A simulator that keeps what it is sent.
async fn simulator() -> Simulator {
    let builder = Simulator::builder().bundle_ids([TOPIC]).fcm(FcmSettings::default());
    builder.keep_bodies(100).keep_headers(100).start().await.unwrap()
}

/// What is served: the apps of both platforms, and nothing is forwarded.
fn served() -> MattermostSettings {
    let app = |platform: &str, kind| (platform.to_owned(), PlatformApp { app: platform.to_owned(), kind });
    let platforms = [app("apple_rn", PlatformKind::Apple), app("android_rn", PlatformKind::Android)];
    MattermostSettings { platforms: platforms.into(), forward: None }
}

/// The same, which forwards to a push proxy that the simulator's authority vouches for.
fn forwarding(simulator: &Simulator, origin: &str) -> MattermostSettings {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in tls::parse_certificates(simulator.ca_pem().as_bytes()).unwrap() {
        roots.add(certificate).unwrap();
    }
    let peer = Peer {
        origin: origin.parse().unwrap(),
        identity: "".into(),
        tls: tls::client_config(Arc::new(roots), None, Http::Either).unwrap(),
        http: Http::Either,
        proxy: None,
        reach: Reach::Anywhere,
        proves_credential: false,
    };
    let forward =
        ForwardSettings { peer, prefix: String::new(), max_in_flight: ForwardSettings::MAX_IN_FLIGHT };
    MattermostSettings { forward: Some(forward), ..served() }
}

/// A configuration of both apps, with a listener on a free port.
fn configured(simulator: &Simulator, mattermost: MattermostSettings) -> Config {
    let mut config = config(simulator);
    config.apps[0].id = AppId::parse("apple_rn").unwrap();
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    let fcm = FcmConfig {
        provider: Fcm::try_new(&Project { project_id: PROJECT.to_owned() }).unwrap(),
        credential: Arc::new(Source::from_json(&account.key_json().into()).unwrap()),
        certificate: None,
        pushes_per_minute: None,
    };
    config.apps.push(AppConfig { fcm: Some(fcm), ..AppConfig::new(AppId::parse("android_rn").unwrap()) });
    config.fcm.origin = simulator.fcm().origin().parse().unwrap();
    config.fcm.trust = trust(simulator);
    let mut http = HttpSettings::on(SocketAddr::from(([127, 0, 0, 1], 0)));
    http.mattermost = Some(mattermost);
    config.http.push(http);
    config
}

impl World {
    async fn start() -> Self {
        Self::with(|_| served(), |_| {}).await
    }

    async fn with(
        mattermost: impl FnOnce(&Simulator) -> MattermostSettings,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let simulator = simulator().await;
        let mut config = configured(&simulator, mattermost(&simulator));
        change(&mut config);
        let gateway = Gateway::start(config, Network::default()).await.unwrap();
        Self { simulator, gateway }
    }

    fn address(&self) -> SocketAddr {
        self.gateway.http_addresses()[0]
    }

    /// Sends a notification as a Mattermost server does.
    async fn send(&self, notification: &Value) -> Answer {
        post(self.address(), SEND_PUSH, "", &notification.to_string()).await
    }

    /// What arrived for a device, which must be one push.
    fn arrived(&self, token: &str) -> Entry {
        let mut entries = self.simulator.journal().by_device_token(token);
        assert_eq!(entries.len(), 1, "{token}: {entries:?}");
        entries.remove(0)
    }
}

/// Posts a body, and returns the answer.
async fn post(to: SocketAddr, path: &str, lines: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n{lines}content-length: {length}"
    );
    ask(to, &format!("{head}\r\n\r\n{body}")).await
}

async fn ask(to: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    rest(stream).await
}

/// The answer on a connection that ends with it.
async fn rest(mut stream: TcpStream) -> Answer {
    let mut said = String::new();
    timeout(SOON, stream.read_to_string(&mut said)).await.expect("an answer comes").unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("a whole answer: {said}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// A message for a device, as a current server writes it.
fn message(platform: &str, device: &str) -> Value {
    json!({
        "ack_id": "a".repeat(26), "platform": platform, "server_id": "srv", "device_id": device, "post_id": "p",
        "category": "CAN_REPLY", "message": "hi :smile: <b>", "badge": 3, "team_id": "t", "channel_id": "c",
        "root_id": "r", "channel_name": "Town", "type": "message", "sender_id": "u", "sender_name": "n",
        "version": "v2", "is_crt_enabled": true, "is_id_loaded": false, "signature": "sig",
    })
}

fn response(status: &str) -> String {
    format!("{{\"status\":\"{status}\"}}\n")
}

/// The words of an answer that says FAIL.
fn failure(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(said["status"], "FAIL", "{answer:?}");
    said["error"].as_str().unwrap().to_owned()
}

fn body(entry: &Entry) -> Value {
    serde_json::from_slice(entry.read.as_ref().unwrap().body.as_ref().unwrap()).unwrap()
}
