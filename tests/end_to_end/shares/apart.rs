//! An app whose upstream is dead, beside a healthy one of the same caller.

use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare::proto::Outcome;
use fanfare_simulator::Simulator;
use fanfare_upstream::Http;
use futures_util::future::join_all;
use tokio::net::TcpListener;
use tonic_types::StatusExt;

use super::{client_with, push_of, send, send_one};
use crate::harness::{APP, SOON, TOPIC, World, alert, config, connect, figure, metric, until, within};
use crate::mattermost;

const DEAD: &str = "dead";
const ROOM: usize = 200;

/// A gateway with little room, a healthy app, and one whose upstream takes connections and says nothing.
async fn world() -> (World, TcpListener) {
    let black_hole = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let mut config = config(&simulator);
    let origin = format!("https://127.0.0.1:{}", black_hole.local_addr().unwrap().port());
    config.apps.push(mattermost::app(DEAD, &origin, Http::Two, &[]));
    config.upstream.connect_timeout = SOON * 10;
    config.max_in_flight = ROOM;
    let gateway = Gateway::start(config, Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    (World { simulator, gateway, client }, black_hole)
}

/// A push to the black hole.
fn to_nowhere(number: usize) -> fanfare::proto::Push {
    use fanfare::proto::{MattermostDevice, Target};
    let device =
        MattermostDevice { device_id: format!("apple_rn:dead-{number}"), ..MattermostDevice::default() };
    let target = Some(Target { mattermost: Some(Box::new(device)), ..Target::default() });
    let content = Some(alert("Hello", "World"));
    within(fanfare::proto::Push { app: DEAD.to_owned(), target, content, ..Default::default() }, SOON * 5)
}

fn in_flight(world: &World) -> usize {
    metric(&world.gateway, "fanfare_pushes_in_flight ") as usize
}

#[tokio::test]
async fn a_batch_to_a_black_hole_takes_no_room_of_a_healthy_app() {
    let (world, _black_hole) = world().await;
    let client = client_with(&world, "none").await;
    let dead = send(client.clone(), (0..2 * ROOM).map(to_nowhere).collect()).await;
    // Bulk that comes alone takes four fifths.
    until(|| in_flight(&world) == ROOM * 4 / 5).await;
    for number in 0..100 {
        let result = send_one(&client, push_of(1, number, APP)).await;
        assert_eq!(result.unwrap().outcome(), Outcome::Accepted);
    }
    let healthy = (0..2000).map(|number| push_of(2, number, APP)).collect();
    send(client, healthy).await.all_accepted(2000).await;
    assert!(in_flight(&world) >= ROOM * 4 / 5, "what the dead one has, it keeps meanwhile");
    figure(&format!(
        "a batch to a black hole has {} of {ROOM} places; 2,100 pushes beside it: all accepted",
        in_flight(&world)
    ));
    drop(dead);
    until(|| in_flight(&world) == 0).await;
}

#[tokio::test]
async fn single_pushes_to_a_black_hole_are_shed_and_told_to_wait_longer_and_longer() {
    let (world, _black_hole) = world().await;
    let client = client_with(&world, "none").await;
    let flood = tokio::spawn({
        let client = client.clone();
        async move { join_all((0..ROOM).map(|number| send_one(&client, to_nowhere(number)))).await }
    });
    // It may hold sixteen times what is free.
    let most = ROOM - ROOM / 17;
    until(|| in_flight(&world) == most).await;
    let mut waits = Vec::new();
    for number in 0..300 {
        let status = send_one(&client, to_nowhere(ROOM + number)).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Aborted, "{status:?}");
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
        waits.push(details.retry_info().unwrap().retry_delay.unwrap());
    }
    let (first, last) = (waits[0], waits[299]);
    assert!(Duration::from_millis(200) <= first && last > 4 * first && last <= Duration::from_secs(30));
    for number in 0..100 {
        let result = send_one(&client, push_of(1, number, APP)).await;
        assert_eq!(result.unwrap().outcome(), Outcome::Accepted);
    }
    figure(&format!(
        "single pushes to a black hole have {most} of {ROOM} places; RetryInfo grew from {first:.1?} to {last:.1?}; 100 pushes beside it: all accepted"
    ));
    flood.abort();
    until(|| in_flight(&world) == 0).await;
}
