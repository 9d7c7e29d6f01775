//! Pushes to browsers through a whole gateway, to the push services of four vendors. As in the real world a vendor is known by
//! the name of its host; every connection leads to the simulator.

mod answers;
mod endpoints;
mod faults;
mod headers;
mod matrix;
mod messages;
mod pacing;
mod peers;
mod proxy;
mod secrets;
mod silent;
mod vapid;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fanfare::app::{Gateway, Network};
use fanfare::config::{AppConfig, Config, Trust, WebPushConfig};
use fanfare::credential::vapid::ApplicationServer;
use fanfare::proto;
use fanfare::provider::webpush::{WebPush, WebPushSettings as App};
use fanfare::push::AppId;
use fanfare_simulator::journal::Entry;
use fanfare_simulator::{Simulator, Subscription, VapidKey, Vendor, WebPushScriptedOutcome, WebPushSettings};
use fanfare_upstream::Http;

use crate::harness::{APP, World, alert, connect, trust};
use crate::net::{Net, PUBLIC};

/// The host of a push service that no vendor runs, and that the app lists.
const PRIVATE: &str = "push.example.net";

/// The names in the simulator's certificate: the vendors' hosts, and all below the private one.
const NAMES: [&str; 7] = [
    "updates.push.services.mozilla.com",
    "fcm.googleapis.com",
    "jmt17.google.com",
    "*.push.apple.com",
    "*.notify.windows.com",
    PRIVATE,
    "*.push.example.net",
];

fn host(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Mozilla => "updates.push.services.mozilla.com",
        Vendor::Google => "fcm.googleapis.com",
        Vendor::Apple => "web.push.apple.com",
        Vendor::Microsoft => "wns2-am3p.notify.windows.com",
    }
}

/// A gateway with one app or more, and browsers that subscribed with a key.
struct Browsers {
    world: World,
    net: Arc<Net>,
    /// The app's key.
    key: VapidKey,
}

impl Browsers {
    async fn start() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    /// Starts a gateway with one app, whose settings for push services and whose configuration are changed.
    async fn with(app_change: impl FnOnce(&mut App), change: impl FnOnce(&mut Config)) -> Self {
        let simulator = simulator(WebPushSettings::default()).await;
        let key = simulator.web_push().new_key().unwrap();
        let apps = vec![app(APP, &key, app_change)];
        let net = Net::new(simulator.web_push().address());
        Self::serve(simulator, net, key, apps, change).await
    }

    async fn serve(
        simulator: Simulator,
        net: Arc<Net>,
        key: VapidKey,
        apps: Vec<AppConfig>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        net.say(&PUBLIC[..1]);
        let mut config = Config::on_loopback(apps, Trust::of_system().unwrap());
        config.web_push.trust = trust(&simulator);
        change(&mut config);
        let network = Network { resolver: Arc::clone(&net) as _, dialer: Arc::clone(&net) as _ };
        let gateway = Gateway::start(config, network).await.unwrap();
        let client = connect(&gateway).await;
        Self { world: World { simulator, gateway, client }, net, key }
    }

    fn simulator(&self) -> &Simulator {
        &self.world.simulator
    }

    /// Subscribes a browser at its vendor's push service.
    fn subscribe(&self, vendor: Vendor) -> Subscription {
        self.subscribe_at(host(vendor), vendor)
    }

    fn subscribe_at(&self, host: &str, vendor: Vendor) -> Subscription {
        self.fated(host, vendor, WebPushScriptedOutcome::Good)
    }

    fn fated(&self, host: &str, vendor: Vendor, fate: WebPushScriptedOutcome) -> Subscription {
        let services = self.simulator().web_push();
        services.subscribe_at(&format!("https://{host}"), vendor, &self.key.public_key, fate).unwrap()
    }

    async fn send(&self, push: proto::Push) -> proto::PushResult {
        self.world.send(push).await
    }

    /// The requests for a browser, in their order.
    fn asked(&self, subscription: &Subscription) -> Vec<Entry> {
        self.simulator().journal().by_device_token(&subscription.path)
    }

    /// The decrypted payloads that a browser got.
    fn got(&self, subscription: &Subscription) -> Vec<bytes::Bytes> {
        let messages = self.simulator().web_push().delivered(subscription);
        messages.into_iter().map(|message| message.plaintext).collect()
    }
}

pub(crate) async fn simulator(settings: WebPushSettings) -> Simulator {
    Simulator::builder().web_push(settings).names(NAMES).keep_bodies(1000).start().await.unwrap()
}

pub(crate) fn app(name: &str, key: &VapidKey, change: impl FnOnce(&mut App)) -> AppConfig {
    let hosts = vec![PRIVATE.to_owned(), format!("*.{PRIVATE}")];
    let mut settings = App { hosts, ..App::default() };
    change(&mut settings);
    let server = ApplicationServer::parse(&key.private_key_pem.clone().into(), "mailto:push@example.com");
    let web_push = WebPushConfig {
        provider: WebPush::try_new(settings).unwrap(),
        application_server: Arc::new(server.unwrap()),
        private_addresses: false,
        http: Http::Either,
    };
    AppConfig { web_push: Some(web_push), ..AppConfig::new(AppId::parse(name).unwrap()) }
}

fn target(subscription: &Subscription) -> proto::Target {
    let bytes = |text| URL_SAFE_NO_PAD.decode(text).unwrap();
    let web_push = proto::WebPushSubscription {
        endpoint: subscription.endpoint.clone(),
        p256dh: bytes(&subscription.p256dh),
        auth: bytes(&subscription.auth),
    };
    proto::Target { web_push: Some(Box::new(web_push)), ..proto::Target::default() }
}

/// A push with a title and a body to a browser.
pub(crate) fn push(subscription: &Subscription) -> proto::Push {
    proto::Push {
        app: APP.to_owned(),
        target: Some(target(subscription)),
        content: Some(alert("Hello", "World")),
        ..proto::Push::default()
    }
}

fn with_options(subscription: &Subscription, options: proto::Options) -> proto::Push {
    proto::Push { options: Some(options), ..push(subscription) }
}

fn with_content(subscription: &Subscription, content: proto::Content) -> proto::Push {
    proto::Push { content: Some(content), ..push(subscription) }
}

/// Raw bytes as content, which the browser gets unchanged.
fn raw(payload: impl Into<Vec<u8>>) -> proto::Content {
    let options = proto::WebPushOptions { payload: Some(payload.into()), ..proto::WebPushOptions::default() };
    proto::Content { web_push: Some(options), ..proto::Content::default() }
}

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn header(entry: &Entry, name: &str) -> Option<String> {
    entry.header(name).map(|value| String::from_utf8(value.to_vec()).unwrap())
}

/// The body of a request that was kept.
fn body(entry: &Entry) -> bytes::Bytes {
    entry.read.as_ref().unwrap().body.clone().unwrap()
}
