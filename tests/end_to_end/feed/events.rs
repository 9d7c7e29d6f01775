//! Which verdicts become events, and what these say.

use fanfare::feed::{FeedSettings, SigningSecret, Wanted};
use fanfare::proto::{self, Outcome, SendPushesRequest, TokenAction};
use fanfare::push::AppId;
use futures_util::future::join_all;

use super::receiver::Receiver;
use super::verifier::{NEWER, SECRET};
use super::{count, feed, targets, world};
use crate::harness::{APP, alert, device, good, push, until};

fn dead(number: usize) -> String {
    format!("dead{number:060x}")
}

#[tokio::test]
async fn a_target_to_delete_is_told_whole_and_by_the_names_of_the_contract() {
    let receiver = Receiver::start([]).await;
    let world = world(FeedSettings { wanted: Wanted::DELETE, ..feed(&receiver) }).await;
    world.send(push(&good(1))).await;
    let mut gone = proto::Push { id: "order-17".to_owned(), ..push(&dead(1)) };
    gone.labels = [("user".to_owned(), "42".to_owned())].into();
    let result = world.send(gone).await;
    assert_eq!(
        (result.outcome(), result.token_action()),
        (Outcome::Unregistered, TokenAction::Delete),
        "{result:?}"
    );
    until(|| count(&world, "delivered") == 1.0).await;
    let [received] = &*receiver.received() else { panic!("{:?}", receiver.received()) };
    assert_eq!((received.path.as_str(), received.signatures), ("/fanfare?of=shop", 1));
    let [event] = &*received.events else { panic!("{:?}", received.events) };
    let target = dead(1);
    for (member, expected) in [
        ("app", APP),
        ("provider", result.provider().as_str_name()),
        ("outcome", result.outcome().as_str_name()),
        ("tokenAction", result.token_action().as_str_name()),
        ("reason", result.reason().as_str_name()),
        ("id", "order-17"),
        ("caller", "anyone"),
        ("target", &*target),
        ("targetField", "target.apns.token"),
        ("upstreamReason", "Unregistered"),
    ] {
        assert_eq!(event[member], expected, "{member} of {event}");
    }
    assert_eq!((&event["upstreamStatus"], &event["labels"]["user"]), (&410.into(), &"42".into()));
    assert!(
        event["time"].as_str().unwrap().ends_with('Z') && event["tokenInvalidSince"].is_string(),
        "{event}"
    );
}

#[tokio::test]
async fn each_way_of_pushing_makes_one_event_a_push_and_one_that_joins_makes_none() {
    let receiver = Receiver::start([]).await;
    let world = world(feed(&receiver)).await;
    let options = proto::Options { once: true, ..proto::Options::default() };
    let once = proto::Push { id: "once".to_owned(), options: Some(options), ..push(&good(1)) };
    join_all((0..10).map(|_| world.send(once.clone()))).await;
    let addressee = |n: usize| proto::Addressee { id: format!("to-{n}"), target: Some(device(&good(n))) };
    let multicast = proto::Multicast {
        app: APP.to_owned(),
        content: Some(alert("All", "of you")),
        addressees: (20..23).map(addressee).collect(),
        ..proto::Multicast::default()
    };
    let call = SendPushesRequest {
        pushes: vec![push(&good(10)), push(&good(11)), push("no token")],
        multicasts: vec![multicast],
        ..SendPushesRequest::default()
    };
    let results = world.client.clone().send_pushes(call).await.unwrap().into_inner().results;
    assert_eq!(results.len(), 6);
    until(|| count(&world, "delivered") == 6.0).await;
    // Nobody could find a target that is none.
    let mut told = targets(&receiver.taken());
    told.sort_unstable();
    assert_eq!(told, [1, 10, 11, 20, 21, 22].map(good));
}

#[tokio::test]
async fn apps_that_a_feed_does_not_name_are_not_told() {
    let receiver = Receiver::start([]).await;
    let nobody = Some(vec![AppId::parse("nobody").unwrap()]);
    let world = world(FeedSettings { apps: nobody, ..feed(&receiver) }).await;
    world.send(push(&good(1))).await;
    // A push hands its event over before it is answered.
    assert_eq!(super::queued(&world), 0.0);
    world.gateway.shut_down().await;
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn while_a_secret_is_replaced_each_request_has_two_signatures() {
    let receiver = Receiver::start([]).await;
    let secrets = [NEWER, SECRET].map(|secret| SigningSecret::parse(secret).unwrap()).to_vec();
    let world = world(FeedSettings { secrets, ..feed(&receiver) }).await;
    world.send(push(&good(1))).await;
    until(|| count(&world, "delivered") == 1.0).await;
    assert_eq!(receiver.received()[0].signatures, 2);
}
