//! The shared pool under faults of the wire: which pushes may be called unsent.

use std::time::Duration;

use fanfare::proto::{self, Delivery, Outcome, Reason};
use fanfare_simulator::{AfterGoAway, Environment, Fault, FaultRule, GoAway, HangUp, LastId, Phase, Trigger};

use crate::harness::{SOON, World, good, metric, metric_sum, push, within};

/// Sends `count` pushes at once after one that warmed the connection, with a fault at the n-th request.
async fn burst(world: &World, count: usize, at: u64, fault: Fault) -> Vec<proto::PushResult> {
    world.send(push(&good(100_000))).await;
    world.simulator.add_fault(FaultRule::once(Trigger::Request(at), fault));
    world.send_all((0..count).map(good)).await
}

/// Each push has one verdict, and none arrived twice in full.
fn none_twice(world: &World) {
    assert!(
        world.simulator.journal().duplicates().is_empty(),
        "{:?}",
        world.simulator.journal().duplicates()
    );
    assert_eq!(world.simulator.counters().limit_violations, 0);
}

fn all_accepted(results: &[proto::PushResult]) {
    for result in results {
        assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
    }
}

#[tokio::test]
async fn one_stream_until_the_first_good_answer_then_as_many_as_allowed() {
    let world = World::with(|builder| builder.max_concurrent_streams(50), |_| {}).await;
    world.simulator.set_answer_latency(Duration::from_millis(5));
    all_accepted(&world.send_all((0..500).map(good)).await);
    none_twice(&world);
    let connections = world.simulator.connections();
    assert!(connections.iter().all(|it| it.peak_streams <= 50), "{connections:?}");
    assert!(connections.iter().any(|it| it.peak_streams == 50), "{connections:?}");
}

#[tokio::test]
async fn goaway_moves_pushes_to_a_fresh_connection() {
    let world = World::start().await;
    let goaway =
        GoAway { last: LastId::This, code: 0, reason: Some("Shutdown".into()), then: AfterGoAway::Drain };
    all_accepted(&burst(&world, 300, 50, Fault::GoAway(goaway)).await);
    none_twice(&world);
    assert_eq!(world.simulator.counters().connections_opened, 2);
}

#[tokio::test]
async fn a_graceful_goaway_loses_nothing() {
    let world = World::start().await;
    world.simulator.set_answer_latency(Duration::from_millis(20));
    let fault = Fault::GracefulGoAway { pause: Duration::from_millis(10), reason: None };
    all_accepted(&burst(&world, 300, 50, fault).await);
    none_twice(&world);
}

#[tokio::test]
async fn refused_streams_are_sent_again_and_the_connection_stays() {
    let world = World::start().await;
    world.send(push(&good(100_000))).await;
    for number in 0..20 {
        let refused = Fault::ResetStream { code: 7, at: Phase::BeforeBody };
        let fault = if number % 2 == 0 { refused } else { Fault::RefuseThenClosed };
        world.simulator.add_fault(FaultRule::once(Trigger::DeviceToken(good(number)), fault));
    }
    all_accepted(&world.send_all((0..100).map(good)).await);
    none_twice(&world);
    assert_eq!(world.simulator.counters().connections_opened, 1);
    let resent = metric_sum(&world, "fanfare_upstream_resent_total{", "cause=\"refused_stream\"");
    assert_eq!(resent, 20.0);
}

#[tokio::test]
async fn a_peer_that_refuses_everything_is_unavailable_in_the_end() {
    let world = World::with(|builder| builder, |config| config.upstream.max_resends = 3).await;
    let fault = Fault::ResetStream { code: 7, at: Phase::BeforeBody };
    world.simulator.add_fault(FaultRule::always(Trigger::DeviceToken(good(1)), fault));
    let result = world.send(push(&good(1))).await;
    assert_eq!((result.outcome(), result.reason()), (Outcome::UpstreamUnavailable, Reason::UpstreamRefused));
    assert_eq!((result.delivery(), result.attempts, result.retryable), (Delivery::No, 0, true));
    assert_eq!(world.simulator.journal().by_device_token(&good(1)).len(), 4);
}

#[tokio::test]
async fn another_reset_is_unconfirmed_and_not_repeated() {
    let world = World::start().await;
    let fault = Fault::ResetStream { code: 2, at: Phase::AfterBody };
    world.simulator.add_fault(FaultRule::once(Trigger::DeviceToken(good(1)), fault));
    let result = world.send(push(&good(1))).await;
    assert_eq!((result.outcome(), result.reason()), (Outcome::Unconfirmed, Reason::ConnectionLost));
    assert_eq!((result.delivery(), result.attempts), (Delivery::Maybe, 1));
    assert_eq!(world.simulator.journal().by_device_token(&good(1)).len(), 1);
}

#[tokio::test]
async fn a_repeatable_push_is_repeated_and_says_so() {
    let world = World::start().await;
    let fault = Fault::ResetStream { code: 2, at: Phase::AfterBody };
    world.simulator.add_fault(FaultRule::once(Trigger::DeviceToken(good(1)), fault));
    let mut push = push(&good(1));
    push.options = Some(proto::Options { repeatable: true, ..proto::Options::default() });
    let result = world.send(push).await;
    assert_eq!(
        (result.outcome(), result.delivery(), result.attempts),
        (Outcome::Accepted, Delivery::Accepted, 2)
    );
    let entries = world.simulator.journal().by_device_token(&good(1));
    // The resend carries the same id.
    assert_eq!((entries.len(), entries[0].apns_id), (2, entries[1].apns_id));
}

#[tokio::test]
async fn a_reset_connection_leaves_only_what_was_read_in_doubt() {
    for at in [Phase::BeforeBody, Phase::AfterBody] {
        for how in [HangUp::Fin, HangUp::Reset] {
            let world = World::start().await;
            world.simulator.set_answer_latency(Duration::from_millis(50));
            let results = burst(&world, 200, 100, Fault::HangUp { how, at }).await;
            none_twice(&world);
            for result in &results {
                if result.outcome() != Outcome::Accepted {
                    assert_eq!(result.outcome(), Outcome::Unconfirmed, "{result:?}");
                    assert_eq!(
                        (result.delivery(), result.reason()),
                        (Delivery::Maybe, Reason::ConnectionLost)
                    );
                }
            }
            let read = world.simulator.journal().read();
            let answered = world.simulator.journal().answered();
            let unconfirmed = results.iter().filter(|it| it.outcome() == Outcome::Unconfirmed).count() as u64;
            // Pushes are in doubt if they were read and not answered, or were still in the socket's buffers.
            assert!(unconfirmed >= read - answered, "{at:?} {how:?}: {unconfirmed} {read} {answered}");
            assert!(unconfirmed <= 200);
        }
    }
}

#[tokio::test]
async fn a_lowered_limit_is_kept_and_opens_no_connection() {
    let world = World::start().await;
    world.simulator.set_answer_latency(Duration::from_millis(5));
    let results = burst(&world, 400, 100, Fault::SetMaxStreams(10)).await;
    all_accepted(&results);
    none_twice(&world);
    assert_eq!(world.simulator.counters().connections_opened, 1);
}

#[tokio::test]
async fn a_half_open_connection_is_found_by_ping() {
    let world = World::with(
        |builder| builder,
        |config| {
            config.upstream.ping_after = Duration::from_millis(100);
            config.upstream.ping_timeout = Duration::from_millis(200);
        },
    )
    .await;
    world.send(push(&good(0))).await;
    world.simulator.add_fault(FaultRule::once(Trigger::DeviceToken(good(1)), Fault::HalfOpen));
    let result = world.send(push(&good(1))).await;
    assert_eq!((result.outcome(), result.reason()), (Outcome::Unconfirmed, Reason::ConnectionLost));
    assert_eq!(world.send(push(&good(2))).await.outcome(), Outcome::Accepted);
    assert_eq!(metric_sum(&world, "fanfare_upstream_connections_closed_total{", "cause=\"ping_lost\""), 1.0);
}

#[tokio::test]
async fn a_connection_that_never_begins_is_left_for_another() {
    for fault in [Fault::RefuseTcp, Fault::RefuseTls, Fault::SilentTls, Fault::WrongName, Fault::NoSettings] {
        let world = World::with(
            |builder| builder,
            |config| config.upstream.connect_timeout = Duration::from_millis(500),
        )
        .await;
        world.simulator.add_fault(FaultRule::once(Trigger::Always, fault.clone()));
        let result = world.send(push(&good(1))).await;
        assert_eq!(result.outcome(), Outcome::Accepted, "{fault:?}: {result:?}");
        assert_eq!(world.send(push(&good(2))).await.outcome(), Outcome::Accepted, "{fault:?}");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_said_in_the_verdict() {
    let world = World::with(
        |builder| builder,
        |config| {
            config.upstream.backoff_min = Duration::from_millis(10);
            config.upstream.backoff_max = Duration::from_millis(20);
        },
    )
    .await;
    world.simulator.add_fault(FaultRule::always(Trigger::Always, Fault::ExpiredCertificate));
    let result = world.send(push(&good(1))).await;
    assert_eq!(
        (result.outcome(), result.reason()),
        (Outcome::UpstreamUnavailable, Reason::UpstreamUnreachable)
    );
    assert!(result.detail.contains("expired"), "{}", result.detail);
}

#[tokio::test]
async fn unreadable_answers_are_unconfirmed_with_their_status() {
    let world = World::with(|builder| builder, |config| config.upstream.max_reply_bytes = 1024).await;
    for (number, fault) in [
        Fault::BodyWithoutEnd,
        Fault::HugeBody(10 * 1024 * 1024),
        Fault::Trickle { every: Duration::from_secs(1) },
    ]
    .into_iter()
    .enumerate()
    {
        world.simulator.add_fault(FaultRule::once(Trigger::DeviceToken(good(number)), fault.clone()));
        let result = world.send(within(push(&good(number)), Duration::from_millis(500))).await;
        assert_eq!(result.outcome(), Outcome::Unconfirmed, "{fault:?} {result:?}");
        assert_eq!(result.upstream_status, 400, "{fault:?} {result:?}");
        assert_eq!(world.simulator.journal().by_device_token(&good(number)).len(), 1);
    }
    assert_eq!(world.send(push(&good(99))).await.outcome(), Outcome::Accepted);
}

#[tokio::test]
async fn permits_and_connections_return_to_what_they_were() {
    let world = World::with(|builder| builder.max_concurrent_streams(100), |_| {}).await;
    let goaway =
        GoAway { last: LastId::BeforeThis, code: 0, reason: None, then: AfterGoAway::HangUp(HangUp::Reset) };
    let results = burst(&world, 500, 250, Fault::GoAway(goaway)).await;
    assert_eq!(results.len(), 500);
    none_twice(&world);
    assert_eq!(metric_sum(&world, "fanfare_upstream_streams_used{", "production"), 0.0);
    assert_eq!(metric_sum(&world, "fanfare_upstream_waiting{", ""), 0.0);
    assert_eq!(metric_sum(&world, "fanfare_upstream_orphans{", ""), 0.0);
    assert_eq!(metric(&world.gateway, "fanfare_pushes_in_flight "), 0.0);
    world.simulator.wait_until(SOON, |simulator| simulator.counters().connections_open <= 5).await.unwrap();
}

#[tokio::test]
async fn concurrent_callers_share_one_connect_that_none_can_cancel() {
    let world = World::start().await;
    let mut first = world.client.clone();
    let leaves = tokio::spawn(async move {
        first.send_push(proto::SendPushRequest { push: Some(Box::new(push(&good(1)))) }).await
    });
    tokio::task::yield_now().await;
    leaves.abort();
    all_accepted(&world.send_all((2..50).map(good)).await);
    assert!(world.simulator.counters().connections_opened <= 1);
    assert_eq!(world.simulator.address(Environment::Production).ip().to_string(), "127.0.0.1");
}
