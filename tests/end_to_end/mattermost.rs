//! Pushes to a Mattermost push proxy, over HTTP/1.1.

use fanfare::app::{Gateway, Network};
use fanfare::config::{AppConfig, Config, MattermostConfig};
use fanfare::proto::{self, Delivery, Outcome, TokenAction};
use fanfare::provider::mattermost::{Mattermost, MattermostSettings};
use fanfare::push::AppId;
use fanfare::simulator::{Simulator, SimulatorBuilder};
use fanfare::upstream::Http;

use crate::harness::{APP, World, alert, connect};

/// A gateway in front of the simulator's push proxy.
pub(crate) async fn world(tls: bool, change: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder) -> World {
    let simulator = change(Simulator::builder()).start().await.unwrap();
    let proxy = simulator.mattermost();
    let origin = if tls { proxy.tls_origin() } else { proxy.origin() };
    let settings = MattermostSettings { server_id: "server".to_owned() };
    let mattermost = MattermostConfig {
        provider: Mattermost::try_new(settings).unwrap(),
        origin: origin.parse().unwrap(),
        http: Http::Either,
        extra_roots: vec![simulator.ca_pem().into()],
    };
    let app = AppConfig { mattermost: Some(mattermost), ..AppConfig::new(AppId::parse(APP).unwrap()) };
    let gateway = Gateway::start(Config::on_loopback(vec![app]), Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    World { simulator, gateway, client }
}

pub(crate) fn push(device_id: &str) -> proto::Push {
    let device = proto::MattermostDevice { device_id: device_id.to_owned(), ..Default::default() };
    proto::Push {
        app: APP.to_owned(),
        target: Some(proto::Target { mattermost: Some(device), ..proto::Target::default() }),
        content: Some(alert("Hello", "World")),
        ..proto::Push::default()
    }
}

#[tokio::test]
async fn a_push_proxy_is_believed_by_what_it_says_not_by_its_status() {
    for tls in [false, true] {
        let world = world(tls, |builder| builder).await;
        let good = world.send(push(&format!("apple_rn:{}", crate::harness::good(1)))).await;
        assert_eq!((good.outcome(), good.delivery()), (Outcome::Accepted, Delivery::Accepted), "{good:?}");
        let gone = world.send(push(&format!("apple_rn:dead{:060x}", 1))).await;
        assert_eq!(
            (gone.outcome(), gone.token_action(), gone.upstream_status),
            (Outcome::Unregistered, TokenAction::Delete, 200),
            "{gone:?}"
        );
        // One keep-alive connection has carried both.
        assert_eq!(world.simulator.counters().connections_opened, 1);
    }
}
