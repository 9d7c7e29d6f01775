//! Pushes to browsers: a gateway as it is configured, in front of the push services of four vendors. Each is told by
//! the name of its host, as it is out there; what is dialled leads to the simulator.

mod answers;
mod endpoints;
mod faults;
mod headers;
mod messages;
mod peers;
mod proxy;
mod secrets;
mod vapid;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fanfare::app::{Gateway, Network};
use fanfare::config::{AppConfig, Config, WebPushConfig};
use fanfare::proto;
use fanfare::provider::webpush::{WebPush, WebPushSettings as App};
use fanfare::push::AppId;
use fanfare::simulator::journal::Entry;
use fanfare::simulator::{
    Simulator, Subscription, VapidKey, Vendor, WebPushScriptedOutcome, WebPushSettings,
};
use fanfare::upstream::Http;

use crate::harness::{APP, World, alert, connect};
use crate::net::{Net, PUBLIC};

/// A push service that no vendor runs and the app lists.
const PRIVATE: &str = "push.example.net";

/// What the simulator's certificate is for: the vendors' hosts, and all below the private one.
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

/// A gateway of one app or more, and browsers that subscribed with a key.
struct Browsers {
    world: World,
    net: Arc<Net>,
    /// The app's.
    key: VapidKey,
}

impl Browsers {
    async fn start() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    /// One app, with what it says about push services and the configuration changed.
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
        let mut config = Config::on_loopback(apps);
        config.web_push.extra_roots = vec![simulator.ca_pem().into()];
        change(&mut config);
        let network = Network { resolver: Arc::clone(&net) as _, dialer: Arc::clone(&net) as _ };
        let gateway = Gateway::start(config, network).await.unwrap();
        let client = connect(&gateway).await;
        Self { world: World { simulator, gateway, client }, net, key }
    }

    fn simulator(&self) -> &Simulator {
        &self.world.simulator
    }

    /// A browser that is there, at its vendor's push service.
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

    /// What a browser got, decrypted.
    fn got(&self, subscription: &Subscription) -> Vec<bytes::Bytes> {
        let messages = self.simulator().web_push().delivered(subscription);
        messages.into_iter().map(|message| message.plaintext).collect()
    }
}

async fn simulator(settings: WebPushSettings) -> Simulator {
    Simulator::builder().web_push(settings).names(NAMES).keep_bodies(1000).start().await.unwrap()
}

fn app(name: &str, key: &VapidKey, change: impl FnOnce(&mut App)) -> AppConfig {
    let hosts = vec![PRIVATE.to_owned(), format!("*.{PRIVATE}")];
    let mut settings = App { hosts, ..App::default() };
    change(&mut settings);
    let web_push = WebPushConfig {
        provider: WebPush::try_new(settings).unwrap(),
        key: key.private_key_pem.clone().into(),
        subject: "mailto:push@example.com".to_owned(),
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
fn push(subscription: &Subscription) -> proto::Push {
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

/// Bytes that the browser is to get as they are.
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
