//! The same pushes through a gateway, by the client of `clients/rust`, and as its documentation says: what provably was not sent is
//! sent again, and what may have arrived is left alone and called unknown.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use fanfare_client::v1::{ApnsDevice, Content, Delivery, Notification, Outcome, Push, Target, target};
use fanfare_client::{Client, Ended};
use fanfare_upstream::TcpDialer;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::sleep;

use super::books::Claim;
use super::limits::{
    ANSWER_TIMEOUT, FIRST_RETRY, IN_FLIGHT, LONGEST_WAIT, PING_AFTER, PING_TIMEOUT, RETRIES,
};
use super::live::Live;
use super::push_service::{NAME, PushService};
use super::pushes::{PlannedPush, paced};
use crate::app::{Gateway, Network};
use crate::cli::demo::gateway::apns_alone;
use crate::cli::demo::plan::APP;
use crate::config::{Config, Trust};

/// How often what was not sent is sent again.
const MAX_ROUNDS: u32 = 20;

/// A gateway that can be restarted.
pub(super) struct RestartedGateway<'a> {
    service: &'a PushService,
    address: SocketAddr,
    /// It is `None` while it is restarted.
    running: Option<Gateway>,
}

impl<'a> RestartedGateway<'a> {
    pub(super) async fn start(service: &'a PushService) -> anyhow::Result<Self> {
        let gateway = start(service, None).await?;
        Ok(Self { service, address: gateway.grpc_address(), running: Some(gateway) })
    }

    pub(super) fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::builder(self.address.to_string()).plaintext().window(IN_FLIGHT).build()?)
    }

    /// Drains the gateway, as SIGTERM does, and starts another one at its address.
    pub(super) async fn restart(&mut self, live: &Live) -> anyhow::Result<()> {
        live.broke("the gateway is told to end, and drains");
        self.end().await;
        self.running = Some(start(self.service, Some(self.address)).await?);
        live.broke("another gateway takes its place");
        Ok(())
    }

    pub(super) async fn end(&mut self) {
        if let Some(gateway) = self.running.take() {
            gateway.shut_down().await;
        }
    }
}

async fn start(service: &PushService, address: Option<SocketAddr>) -> anyhow::Result<Gateway> {
    let mut config = config(service)?;
    if let Some(address) = address {
        config.grpc.listener.listen = address;
    }
    let network = Network { resolver: Arc::new(service.addresses()), dialer: Arc::new(TcpDialer) };
    Gateway::start(config, network).await.context("the gateway cannot start")
}

fn config(service: &PushService) -> anyhow::Result<Config> {
    let simulator = &service.simulator;
    let trust = Trust::of_system_and(simulator.ca_pem())?;
    let mut config = Config::on_loopback(vec![apns_alone(simulator)?], trust);
    config.apns_production = format!("https://{NAME}").parse()?;
    config.dispatch.max_attempts = 1 + RETRIES;
    let upstream = &mut config.upstream;
    upstream.connect_timeout = ANSWER_TIMEOUT;
    upstream.answer_timeout = ANSWER_TIMEOUT;
    upstream.ping_after = PING_AFTER;
    upstream.ping_timeout = PING_TIMEOUT;
    // A tenth of the defaults, as the other times.
    upstream.backoff_min /= 10;
    upstream.backoff_max /= 10;
    upstream.breaker.wait /= 10;
    upstream.breaker.max_wait /= 10;
    Ok(config)
}

/// Sends the pushes, and says of each what its sender knows.
pub(super) async fn send(client: &Client, count: u32, live: &Live) -> Vec<(PlannedPush, Claim)> {
    let mut round = Round { open: HashMap::new(), claims: Vec::new(), live };
    round.open.extend((0..count).map(PlannedPush).map(|push| (push.id().to_string(), push)));
    let mut wait = round.send(client, paced(count)).await;
    for _ in 0..MAX_ROUNDS {
        if round.open.is_empty() {
            break;
        }
        sleep(wait.clamp(FIRST_RETRY, LONGEST_WAIT)).await;
        let left: Vec<_> = round.open.values().copied().collect();
        wait = round.send(client, stream::iter(left)).await;
    }
    let Round { open, mut claims, .. } = round;
    claims.extend(open.into_values().map(|push| (push, Claim::Failed)));
    claims
}

/// The pushes while they are sent, and sent again.
struct Round<'a> {
    /// Those that are not settled, by their ids.
    open: HashMap<String, PlannedPush>,
    claims: Vec<(PlannedPush, Claim)>,
    live: &'a Live,
}

impl Round<'_> {
    /// Sends pushes as one batch, and returns how long those that are still open shall wait at least.
    async fn send(
        &mut self,
        client: &Client,
        pushes: impl Stream<Item = PlannedPush> + Send + 'static,
    ) -> Duration {
        let mut wait = Duration::ZERO;
        let mut batch = client.send_batch(pushes.map(as_push));
        // After an error nothing comes any more, and what has not ended was not sent.
        while let Some(Ok(ended)) = batch.next().await {
            match (ended.retry_after(), self.open.remove(&ended.push().id)) {
                (Some(after), Some(push)) => {
                    wait = wait.max(after);
                    self.open.insert(ended.push().id.clone(), push);
                }
                (None, Some(push)) => {
                    self.claims.push((push, claim(&ended)));
                    self.live.settled();
                }
                (_, None) => {}
            }
        }
        wait
    }
}

fn claim(ended: &Ended) -> Claim {
    match ended.verdict() {
        Some(verdict) if verdict.outcome() == Outcome::Accepted => Claim::Accepted,
        Some(verdict) if verdict.delivery() == Delivery::No => Claim::Failed,
        Some(_) | None => Claim::Unknown,
    }
}

fn as_push(push: PlannedPush) -> Push {
    let apns = ApnsDevice { token: push.device_token(), ..Default::default() };
    let notification = Notification { title: "Fanfare".to_owned(), body: push.text(), ..Default::default() };
    Push {
        id: push.id().to_string(),
        app: APP.to_owned(),
        target: Some(Target { target: Some(target::Target::Apns(apns)) }),
        content: Some(Content { notification: Some(notification), ..Default::default() }),
        ..Default::default()
    }
}
