//! A network that forgets connections to FCM which rest.

use fanfare::app::{Gateway, Network};
use fanfare::config::{Config, Trust};
use fanfare_simulator::FcmSettings;
use futures_util::future::join_all;

use super::{PROJECT, app, google, push};
use crate::harness::{APP, World, connect, trust};
use crate::silent_networks::{Middlebox, WAYS, bursts_after_rests, probe_early};

#[tokio::test]
async fn fcm_after_a_rest() {
    join_all(WAYS.map(|forgets| async move {
        let simulator = google(FcmSettings::default()).await;
        let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
        let way = Middlebox::before(simulator.fcm().address(), forgets).await;
        let mut config = Config::on_loopback(vec![app(APP, PROJECT, &account)], Trust::of_system().unwrap());
        config.fcm.origin = format!("https://localhost:{}", way.address.port()).parse().unwrap();
        config.fcm.trust = trust(&simulator);
        probe_early(&mut config);
        let gateway = Gateway::start(config, Network::default()).await.unwrap();
        let client = connect(&gateway).await;
        let world = World { simulator, gateway, client };
        bursts_after_rests("FCM", &world, &way, |number| push(&format!("ok:{number}"))).await;
    }))
    .await;
}
