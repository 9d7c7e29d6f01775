//! A whole gateway sends to subscriptions that name where it has to connect to.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fanfare::app::{Gateway, Network};
use fanfare::config::{AppConfig, Config, Trust, WebPushConfig};
use fanfare::credential::vapid::ApplicationServer;
use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{self, Delivery, Outcome, Reason, TokenAction};
use fanfare::provider::webpush::{WebPush, WebPushSettings};
use fanfare::push::AppId;
use fanfare_upstream::Http;
use futures_util::future::join_all;
use tonic::transport::Channel;

use super::NOT_PUBLIC;
use crate::harness::{APP, alert, connect};
use crate::net::{Net, PUBLIC};
use crate::stub::Either;

/// The keys of a browser. Source: RFC 8291, Appendix A.
const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

struct Browsers {
    net: Arc<Net>,
    server: Either,
    gateway: Gateway,
    client: PushServiceClient<Channel>,
}

impl Browsers {
    /// Every address that is dialled leads to a push service called `localhost`.
    async fn start(change: impl FnOnce(&mut WebPushConfig, &mut Config)) -> Self {
        let server = Either::start(Some(&["h2"])).await;
        let leads_to = format!("127.0.0.1:{}", server.origin.rsplit(':').next().unwrap()).parse().unwrap();
        let net = Net::new(leads_to);
        let settings = WebPushSettings { hosts: vec!["localhost".to_owned()], ..WebPushSettings::default() };
        let key = include_str!("../../data/vapid/pkcs8.pem").to_owned().into();
        let application_server = ApplicationServer::parse(&key, "mailto:push@example.com");
        let mut web_push = WebPushConfig {
            provider: WebPush::try_new(settings).unwrap(),
            application_server: Arc::new(application_server.unwrap()),
            private_addresses: false,
            http: Http::Either,
        };
        let mut config = Config::on_loopback(Vec::new(), Trust::of_system_and(&server.pem).unwrap());
        change(&mut web_push, &mut config);
        config.apps =
            vec![AppConfig { web_push: Some(web_push), ..AppConfig::new(AppId::parse(APP).unwrap()) }];
        let network = Network { resolver: Arc::clone(&net) as _, dialer: Arc::clone(&net) as _ };
        let gateway = Gateway::start(config, network).await.unwrap();
        let client = connect(&gateway).await;
        Self { net, server, gateway, client }
    }

    /// Sends a push. Returns its result, or why it was not taken.
    async fn send(&self, endpoint: &str) -> Result<proto::PushResult, tonic::Status> {
        let bytes = |text| URL_SAFE_NO_PAD.decode(text).unwrap();
        let subscription = proto::WebPushSubscription {
            endpoint: endpoint.to_owned(),
            p256dh: bytes(P256DH),
            auth: bytes(AUTH),
        };
        let target = proto::Target { web_push: Some(Box::new(subscription)), ..proto::Target::default() };
        let push = proto::Push {
            app: APP.to_owned(),
            target: Some(target),
            content: Some(alert("Hello", "World")),
            ..proto::Push::default()
        };
        let answer =
            self.client.clone().send_push(proto::SendPushRequest { push: Some(Box::new(push)) }).await?;
        Ok(answer.into_inner().result.unwrap())
    }

    async fn assert_not_public(&self, endpoint: &str) {
        let result = self.send(endpoint).await.unwrap();
        assert_eq!((result.outcome(), result.reason()), (Outcome::InvalidPush, Reason::FieldInvalid));
        assert_eq!((result.delivery(), result.attempts), (Delivery::No, 0));
        assert_eq!((result.token_action(), result.retryable), (TokenAction::Keep, false));
        assert_eq!(result.field, "target.web_push.endpoint");
        assert!(result.detail.ends_with(" has no public address"), "{result:?}");
    }
}

#[tokio::test]
async fn nothing_is_resolved_for_an_endpoint_that_no_app_may_send_to() {
    #[derive(serde::Deserialize)]
    struct Kind {
        endpoints: Vec<String>,
    }
    let hostile: Vec<Kind> = serde_json::from_str(include_str!("../../data/hostile-endpoints.json")).unwrap();
    let known = WebPush::try_new(WebPushSettings::default()).unwrap();
    let browsers = Browsers::start(|web_push, _| web_push.provider = known).await;
    let mut sent = 0;
    for endpoint in hostile.into_iter().flat_map(|kind| kind.endpoints) {
        if let Ok(result) = browsers.send(&endpoint).await {
            let refused = matches!(result.outcome(), Outcome::InvalidPush | Outcome::Unregistered);
            assert!(refused && result.delivery() == Delivery::No, "{endpoint}: {result:?}");
            assert_eq!((&*result.field, result.attempts), ("target.web_push.endpoint", 0), "{endpoint}");
        }
        sent += 1;
    }
    assert!(sent > 50, "{sent}");
    assert_eq!((browsers.net.resolved(), browsers.net.dialled().len()), (0, 0));
}

#[tokio::test]
async fn a_push_service_whose_name_leads_inside_is_not_dialled_and_comes_back_when_it_leads_outside() {
    // Each connect resolves the name anew.
    let browsers = Browsers::start(|_, config| {
        config.upstream.backoff_min = std::time::Duration::ZERO;
        config.upstream.backoff_max = std::time::Duration::ZERO;
    })
    .await;
    for address in NOT_PUBLIC {
        browsers.net.say(&[address]);
        for host in ["localhost", "fcm.googleapis.com", "wns2-am3p.notify.windows.com"] {
            browsers.assert_not_public(&format!("https://{host}/push/1")).await;
        }
    }
    assert_eq!(browsers.net.dialled(), [""; 0]);
    browsers.net.say(&[NOT_PUBLIC[0], PUBLIC[0], NOT_PUBLIC[20]]);
    let result = browsers.send("https://localhost/push/1").await.unwrap();
    assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    assert_eq!(browsers.net.dialled(), [PUBLIC[0]]);
    assert_eq!(*browsers.server.versions.lock().unwrap(), [http::Version::HTTP_2]);
}

#[tokio::test]
async fn private_addresses_are_dialled_where_the_app_says_so() {
    let browsers = Browsers::start(|web_push, _| web_push.private_addresses = true).await;
    browsers.net.say(&["10.0.0.1"]);
    let results = join_all((0..100).map(|_| browsers.send("https://localhost/push/1"))).await;
    assert!(results.into_iter().all(|it| it.unwrap().outcome() == Outcome::Accepted));
    assert_eq!(browsers.net.dialled(), ["10.0.0.1"]);
}

#[tokio::test]
async fn where_all_peers_are_in_use_a_push_to_another_origin_is_not_attempted() {
    let browsers = Browsers::start(|_, config| config.upstream.max_peers = 1).await;
    browsers.net.stall();
    let first = browsers.send("https://localhost/push/1");
    let second = async {
        browsers.net.until_dialled(1).await;
        let second = browsers.send("https://fcm.googleapis.com/push/2").await.unwrap();
        browsers.net.go_on();
        second
    };
    browsers.net.say(&PUBLIC[..1]);
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap().outcome(), Outcome::Accepted);
    assert_eq!((second.outcome(), second.reason()), (Outcome::NotAttempted, Reason::Overloaded));
    assert!(second.retryable && second.detail.contains("upstream.max_peers"), "{second:?}");
    assert_eq!((second.delivery(), second.attempts), (Delivery::No, 0));
}

#[tokio::test]
async fn metrics_and_refusals_hold_no_path_of_an_endpoint() {
    let browsers = Browsers::start(|_, _| {}).await;
    let mut said = String::new();
    for (host, address) in
        [("localhost", PUBLIC[0]), ("fcm.googleapis.com", "10.0.0.1"), ("evil.example", PUBLIC[0])]
    {
        browsers.net.say(&[address]);
        said += &format!("{:?}", browsers.send(&format!("https://{host}/path-that-is-a-secret")).await);
    }
    said += &browsers.gateway.metrics().page();
    assert!(!said.contains("path-that-is-a-secret"), "{said}");
}
