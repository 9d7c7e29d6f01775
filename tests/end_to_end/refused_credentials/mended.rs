//! A key that is mended while pushes arrive, and one that is mended while pushes wait.

use std::time::{Duration, Instant};

use fanfare::proto::Outcome;
use fanfare_simulator::Fault;

use super::A_HANDFUL;
use crate::harness::{SOON, World, figure, good, metric_sum, push, sized, until};

/// The time between two pushes.
const EACH: Duration = Duration::from_millis(10);

/// Sends one push after another for so long, each at its moment. Returns when each was sent, and whether it was accepted.
async fn pushes_for(world: &World, first: usize, time: Duration) -> Vec<(Instant, bool)> {
    let mut moments = tokio::time::interval(EACH);
    let began = Instant::now();
    let mut sent = Vec::new();
    for number in first.. {
        moments.tick().await;
        let at = Instant::now();
        if at - began > time {
            break;
        }
        let (mut client, push) = (world.client.clone(), push(&good(number)));
        sent.push(tokio::spawn(async move {
            let request = fanfare::proto::SendPushRequest { push: Some(Box::new(push)) };
            let result = client.send_push(request).await.unwrap().into_inner().result.unwrap();
            assert!(matches!(result.outcome(), Outcome::Accepted | Outcome::Credential), "{result:?}");
            (at, result.outcome() == Outcome::Accepted)
        }));
    }
    futures_util::future::join_all(sent).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_key_that_is_mended_under_load_is_taken_again_by_one_probe() {
    let world = World::start().await;
    let key = world.simulator.provider_key().key_id.clone();
    let well = pushes_for(&world, 0, sized(Duration::from_millis(200), Duration::from_secs(5))).await;
    assert!(well.iter().all(|(_, accepted)| *accepted), "the key is good");
    let asked = || world.simulator.journal().arrived();

    world.simulator.revoke_provider_key(&key);
    let before = asked();
    let refused =
        pushes_for(&world, 10_000, sized(Duration::from_millis(500), Duration::from_secs(15))).await;
    let in_vain = asked() - before;
    assert!(refused.iter().all(|(_, accepted)| !accepted), "the key is refused");
    assert!((2..=A_HANDFUL as u64).contains(&in_vain), "{in_vain} requests in vain");

    world.simulator.restore_provider_key(&key);
    let mended = Instant::now();
    let mut later = Vec::new();
    while later.iter().filter(|(_, accepted)| *accepted).count() < 100 {
        assert!(mended.elapsed() < 4 * SOON, "a probe finds that the key is good");
        later.extend(pushes_for(&world, 20_000 + later.len(), Duration::from_secs(1)).await);
    }
    let first = later.iter().position(|(_, accepted)| *accepted).expect("a probe opens");
    let told = later[first..].iter().filter(|(_, accepted)| !accepted).count();
    // Those that arrive while the probe is under way are told that the key is refused.
    assert!(told <= A_HANDFUL, "{told} of {} after the probe", later.len() - first);
    figure(&format!(
        "a key mended under load of 100 a second: {} pushes while it was refused, all CREDENTIAL, {in_vain} requests to \
         APNs; {first} more until the probe, {:.1?} after the mend; then {} of {} ACCEPTED",
        refused.len(),
        later[first].0 - mended,
        later.len() - first - told,
        later.len() - first,
    ));
}

#[tokio::test]
async fn pushes_that_wait_for_a_stream_while_the_key_is_mended_are_sent() {
    let world = World::start().await;
    let key = world.simulator.provider_key().key_id.clone();
    assert_eq!(world.send(push(&good(0))).await.outcome(), Outcome::Accepted);
    world.simulator.revoke_provider_key(&key);
    // One refusal shuts nothing.
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Credential);
    for connection in world.simulator.connections() {
        world.simulator.on_connection(connection.id, &Fault::SetMaxStreams(0)).unwrap();
    }
    until(|| metric_sum(&world, "fanfare_upstream_streams_allowed{", "") == 0.0).await;
    let waits = world.send_all((2..1002).map(good));
    let mends = async {
        until(|| metric_sum(&world, "fanfare_upstream_waiting{", "") == 1000.0).await;
        world.simulator.restore_provider_key(&key);
        for connection in world.simulator.connections() {
            world.simulator.on_connection(connection.id, &Fault::SetMaxStreams(100)).unwrap();
        }
    };
    let (told, ()) = tokio::join!(waits, mends);
    let accepted = told.iter().filter(|result| result.outcome() == Outcome::Accepted).count();
    figure(&format!(
        "a key mended while 1,000 pushes wait for streams: {accepted} of {} ACCEPTED",
        told.len()
    ));
    assert_eq!(accepted, told.len());
    assert_eq!(world.simulator.journal().arrived(), 1002);
}
