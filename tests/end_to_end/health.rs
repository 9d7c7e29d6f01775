//! Health checks: of the gateway, of its service and of each app, asked and watched.

use fanfare::app::Gateway;
use fanfare::proto::push_service_server::SERVICE_NAME;
use fanfare::proto::{Outcome, SendPushRequest};
use tokio::time::timeout;
use tonic::Streaming;
use tonic::transport::Channel;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_client::HealthClient};

use crate::harness::{PROBE_IS_DUE, SOON, World, channel, good, http_get, pass, push};

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

/// Watches of some names.
struct Watches(Vec<Streaming<HealthCheckResponse>>);

impl Watches {
    async fn open(gateway: &Gateway, names: &[&str]) -> Self {
        let mut client = HealthClient::new(channel(gateway).await);
        let mut watches = Vec::new();
        for name in names {
            watches.push(client.watch(of(name)).await.unwrap().into_inner());
        }
        Self(watches)
    }

    /// What one of them says next.
    async fn next(&mut self, watch: usize) -> ServingStatus {
        let next = timeout(SOON, self.0[watch].message()).await.expect("the watch says something");
        next.unwrap().expect("the watch goes on").status()
    }

    async fn all(&mut self) -> Vec<ServingStatus> {
        let mut said = Vec::new();
        for watch in 0..self.0.len() {
            said.push(self.next(watch).await);
        }
        said
    }
}

use ServingStatus::{NotServing, ServiceUnknown, Serving};

#[tokio::test]
async fn an_app_whose_key_is_refused_takes_neither_the_gateway_nor_other_apps_down() {
    let world = World::start().await;
    let mut watches =
        Watches::open(&world.gateway, &["", SERVICE_NAME, "app/shop", "app/nobody", "shop"]).await;
    assert_eq!(watches.all().await, [Serving, Serving, Serving, ServiceUnknown, ServiceUnknown]);

    let key = world.simulator.provider_key().key_id.clone();
    world.simulator.revoke_provider_key(&key);
    for number in 0..3 {
        assert_eq!(world.send(push(&good(number))).await.outcome(), Outcome::Credential);
    }
    assert_eq!(watches.next(2).await, NotServing);
    let mut health = HealthClient::new(channel(&world.gateway).await);
    let mut check = async |name| health.check(of(name)).await.map(|answer| answer.into_inner().status());
    assert_eq!(check("app/shop").await.unwrap(), NotServing);
    assert_eq!(check("").await.unwrap(), Serving);
    assert_eq!(check("app/nobody").await.unwrap_err().code(), tonic::Code::NotFound);
    let ready = http_get(world.gateway.admin_address(), "/readyz").await;
    assert!(
        ready.starts_with("HTTP/1.1 200") && ready.contains("app shop: a credential is refused"),
        "{ready}"
    );

    world.simulator.restore_provider_key(&key);
    pass(2 * PROBE_IS_DUE).await;
    assert_eq!(world.send(push(&good(4))).await.outcome(), Outcome::Accepted);
    assert_eq!(watches.next(2).await, Serving);
}

#[tokio::test]
async fn whoever_watches_is_told_of_the_end_and_then_told_to_go() {
    let World { simulator: _simulator, gateway, client } = World::start().await;
    let mut watches = Watches::open(&gateway, &["", SERVICE_NAME, "app/shop", "app/nobody"]).await;
    assert_eq!(watches.all().await, [Serving, Serving, Serving, ServiceUnknown]);
    // Watches do not hold the gateway up: they would go on for ever.
    let ending = tokio::spawn(gateway.shut_down());
    for watch in 0..3 {
        assert_eq!(watches.next(watch).await, NotServing);
    }
    for watch in &mut watches.0 {
        let end = timeout(SOON, watch.message()).await.expect("the watch ends").unwrap_err();
        assert_eq!(end.code(), tonic::Code::Unavailable, "{end:?}");
        assert!(end.message().contains("watch on another"), "{end:?}");
    }
    ending.await.unwrap();
    let request = SendPushRequest { push: Some(Box::new(push(&good(1)))) };
    assert!(client.clone().send_push(request).await.is_err());
}

#[tokio::test]
async fn a_connection_has_a_bound_of_watches() {
    let world = World::start().await;
    let mut client: HealthClient<Channel> = HealthClient::new(channel(&world.gateway).await);
    let mut open = Vec::new();
    let refused = loop {
        match client.watch(of("")).await {
            Ok(watch) => open.push(watch),
            Err(status) => break status,
        }
    };
    assert_eq!((refused.code(), open.len()), (tonic::Code::Aborted, 256), "{refused:?}");
    // One that ends leaves its place to another.
    open.pop();
    let again = async { while client.watch(of("")).await.is_err() {} };
    timeout(SOON, again).await.expect("there is a place");
}
