//! Who gets streams and room when both are scarce: callers and apps by their weights, single pushes first, and nobody at
//! the cost of another.

mod apart;
mod beside;
mod floods;
mod weights;

use std::collections::BTreeMap;

use fanfare::config::{ApnsCredential, AppConfig, Config};
use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{self, Outcome};
use fanfare_simulator::{Fault, Simulator};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use crate::harness::{SOON, World, app, channel, good, metric_sum, push, until, within};

/// The pushes of one sender have numbers from a multiple of this on.
const OF_ONE: usize = 100_000;

/// Who sent a push with this device token.
fn sender(token: &str) -> usize {
    usize::from_str_radix(&token[4..], 16).unwrap() / OF_ONE
}

/// A push of a sender for an app, which may wait for longer than a test takes.
fn push_of(sender: usize, number: usize, app: &str) -> proto::Push {
    within(proto::Push { app: app.to_owned(), ..push(&good(sender * OF_ONE + number)) }, SOON * 5)
}

/// Another app of the same team, so that both share the streams of one peer.
fn apns_app(simulator: &Simulator, name: &str) -> AppConfig {
    let key = simulator.provider_key();
    let credential = ApnsCredential::token(&key.private_key_pem.clone().into(), &key.key_id, &key.team_id);
    app(name, credential.unwrap())
}

/// One connection, so that the order in which streams are granted is that in which requests arrive.
fn one_connection(config: &mut Config) {
    config.upstream.max_connections_per_peer = 1;
}

/// Takes all streams away until [`give_streams`], so that everybody stands in line by then. A push was sent before.
async fn take_streams(world: &World) -> u64 {
    let connection = world.simulator.connections()[0].id;
    world.simulator.on_connection(connection, &Fault::SetMaxStreams(0)).unwrap();
    until(|| metric_sum(world, "fanfare_upstream_streams_allowed{", "") == 0.0).await;
    connection
}

fn give_streams(world: &World, connection: u64, streams: u32) {
    world.simulator.on_connection(connection, &Fault::SetMaxStreams(streams)).unwrap();
}

/// Waits until so many pushes wait for streams.
async fn waiting(world: &World, pushes: usize) {
    until(|| metric_sum(world, "fanfare_upstream_waiting{", "") >= pushes as f64).await;
}

/// A batch whose pushes were all written.
struct Sent {
    results: Streaming<proto::SendBatchResponse>,
    more: mpsc::Sender<proto::SendBatchRequest>,
}

/// Writes the pushes of a batch, in messages of a thousand.
async fn send(mut client: Client, pushes: Vec<proto::Push>) -> Sent {
    let (to, requests) = mpsc::channel(1);
    let results = client.send_batch(ReceiverStream::new(requests)).await.unwrap().into_inner();
    for pushes in pushes.chunks(1000) {
        let message = proto::SendBatchRequest { pushes: pushes.to_vec(), ..Default::default() };
        to.send(message).await.unwrap();
    }
    Sent { results, more: to }
}

impl Sent {
    async fn write(&self, pushes: Vec<proto::Push>) {
        self.more.send(proto::SendBatchRequest { pushes, ..Default::default() }).await.unwrap();
    }

    /// Reads on until so many results are found.
    async fn find(
        &mut self,
        wanted: impl Fn(&proto::PushResult) -> bool,
        count: usize,
    ) -> Vec<proto::PushResult> {
        let mut found = Vec::new();
        while found.len() < count {
            found.extend(self.results.message().await.unwrap().unwrap().results.into_iter().filter(&wanted));
        }
        found
    }

    /// Reads so many results, and counts their outcomes.
    async fn outcomes(&mut self, results: usize) -> BTreeMap<&'static str, usize> {
        let mut outcomes = BTreeMap::new();
        while outcomes.values().sum::<usize>() < results {
            for result in self.results.message().await.unwrap().unwrap().results {
                *outcomes.entry(result.outcome().as_str_name()).or_default() += 1;
            }
        }
        outcomes
    }

    async fn all_accepted(&mut self, results: usize) {
        let outcomes = self.outcomes(results).await;
        assert_eq!(outcomes, BTreeMap::from([(Outcome::Accepted.as_str_name(), results)]));
    }
}

/// Shows a key with each call.
#[derive(Clone)]
struct Bearer(String);

impl tonic::service::Interceptor for Bearer {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert("authorization", self.0.parse().unwrap());
        Ok(request)
    }
}

type Client = PushServiceClient<InterceptedService<Channel, Bearer>>;

/// Sends one push.
async fn send_one(client: &Client, push: proto::Push) -> Result<proto::PushResult, tonic::Status> {
    let request = proto::SendPushRequest { push: Some(Box::new(push)) };
    Ok(client.clone().send_push(request).await?.into_inner().result.unwrap())
}

/// A client that shows a key with each call. A gateway without callers does not look at it.
async fn client_with(world: &World, key: &str) -> Client {
    PushServiceClient::with_interceptor(channel(&world.gateway).await, Bearer(format!("Bearer {key}")))
}
