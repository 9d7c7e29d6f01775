//! What a caller may do changes while its streams are open.

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use super::*;
use crate::harness::good;

/// An open batch that sends one push at a time.
struct Stream {
    to: mpsc::Sender<proto::SendBatchRequest>,
    from: tonic::Streaming<proto::SendBatchResponse>,
}

impl Stream {
    async fn open(client: &Client) -> Self {
        let (to, requests) = mpsc::channel(1);
        let from = client.clone().send_batch(ReceiverStream::new(requests)).await.unwrap().into_inner();
        Self { to, from }
    }

    async fn send(&mut self, push: proto::Push) -> proto::PushResult {
        let request = proto::SendBatchRequest { pushes: vec![push], ..Default::default() };
        self.to.send(request).await.unwrap();
        loop {
            let answer = self.from.message().await.unwrap().expect("the stream goes on");
            if let Some(result) = answer.results.into_iter().next() {
                return result;
            }
        }
    }
}

/// The same caller with its key.
fn again(orders: &Known) -> CallerSettings {
    let mut settings = known("orders").settings;
    settings.keys = vec![CallerKey::parse(&orders.key).unwrap().digest()];
    settings
}

#[tokio::test]
async fn a_change_holds_for_the_next_item_of_an_open_batch() {
    let orders = known("orders");
    let world = world(vec![again(&orders)]).await;
    let mut stream = Stream::open(&client(&world, &orders.key).await).await;
    assert_eq!(stream.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    let stopped = CallerSettings { permissions: Permissions::nothing(), ..again(&orders) };
    change_callers(&world, vec![stopped]);
    assert!(is_not_permitted(&stream.send(push(&good(2))).await));
    change_callers(&world, vec![again(&orders)]);
    assert_eq!(stream.send(push(&good(3))).await.outcome(), Outcome::Accepted);
}

#[tokio::test]
async fn a_key_that_is_taken_back_opens_nothing_and_stops_what_it_opened() {
    let orders = known("orders");
    let world = world(vec![again(&orders)]).await;
    let client = client(&world, &orders.key).await;
    let mut stream = Stream::open(&client).await;
    assert_eq!(stream.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    // The caller stays, with another key.
    change_callers(&world, vec![known("orders").settings]);
    assert!(is_not_permitted(&stream.send(push(&good(2))).await));
    let refused = send(&client, Rpc::SendPush, push(&good(3))).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    // The same for a caller that is gone.
    change_callers(&world, vec![known("others").settings]);
    assert!(is_not_permitted(&stream.send(push(&good(4))).await));
}

/// A gateway off loopback must not be opened to everybody by a file that is about to move it to loopback.
#[tokio::test]
async fn where_no_caller_is_left_nobody_may_call() {
    let orders = known("orders");
    let world = world(vec![again(&orders)]).await;
    let client = client(&world, &orders.key).await;
    let mut stream = Stream::open(&client).await;
    assert_eq!(stream.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    change_callers(&world, Vec::new());
    assert!(is_not_permitted(&stream.send(push(&good(2))).await));
    for refused in [world.call(push(&good(3))).await, send(&client, Rpc::SendPush, push(&good(4))).await] {
        assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
    }
    change_callers(&world, vec![again(&orders)]);
    let result = send(&client, Rpc::SendPush, push(&good(5))).await.unwrap();
    assert_eq!(result.outcome(), Outcome::Accepted);
}

#[tokio::test]
async fn the_first_callers_stop_the_streams_of_everybody() {
    let (orders, world) = (known("orders"), world(Vec::new()).await);
    let mut stream = Stream::open(&client(&world, "anything").await).await;
    assert_eq!(stream.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    change_callers(&world, vec![again(&orders)]);
    assert!(is_not_permitted(&stream.send(push(&good(2))).await));
    let refused = world.call(push(&good(3))).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}
