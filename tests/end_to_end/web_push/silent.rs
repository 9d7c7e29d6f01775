//! A network that forgets connections to push services of browsers which rest.

use fanfare_simulator::{Vendor, WebPushSettings};
use futures_util::future::join_all;

use super::{Browsers, app, push, simulator};
use crate::harness::APP;
use crate::net::Net;
use crate::silent_networks::{Middlebox, WAYS, bursts_after_rests, probe_early};

#[tokio::test]
async fn web_push_after_a_rest() {
    join_all(WAYS.map(|forgets| async move {
        let simulator = simulator(WebPushSettings::default()).await;
        let key = simulator.web_push().new_key().unwrap();
        let way = Middlebox::before(simulator.web_push().address(), forgets).await;
        let apps = vec![app(APP, &key, |_| {})];
        let browsers = Browsers::serve(simulator, Net::new(way.address), key, apps, probe_early).await;
        let to_another = |_| push(&browsers.subscribe(Vendor::Mozilla));
        bursts_after_rests("Web Push", &browsers.world, &way, to_another).await;
    }))
    .await;
}
