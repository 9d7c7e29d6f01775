//! A connection that rests, and a network that may forget it meanwhile.

use super::frames::*;
use super::server::Server;
use super::world::{Verdict, World, one_connection};
use crate::tests::*;
use Verdict::{Answered, NoStream};

const PROBE_AFTER: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(2);

/// A pool with one connection, on which a request was answered just now.
async fn proven(settings: UpstreamSettings) -> (World, Server) {
    let mut world = World::new(settings, 1 << 20);
    let sent = world.send();
    let mut server = world.begun(&[]).await;
    let id = server.request().await;
    server.say(&ok(id)).await;
    assert_eq!(sent.await.unwrap(), Answered(200));
    // The session has told the pool by then, and written what it had to.
    rest(&mut server).await;
    (world, server)
}

/// Reads what the client still writes.
async fn rest(server: &mut Server) {
    while server.frame_by(Instant::now() + MOMENT).await.is_some() {}
}

/// Many connections may be opened, and nothing that was given back is sent again.
fn settings() -> UpstreamSettings {
    UpstreamSettings { max_connections_per_peer: 4, ..one_connection() }
}

async fn pong(server: &mut Server) {
    let asked = server.frame().await.unwrap();
    assert_eq!((asked.kind, asked.flags), (PING, 0), "it is asked before it is used");
    server.say(&frame(PING, ACK, 0, &asked.payload)).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_rested_is_asked_when_it_is_needed_and_never_before() {
    let (world, mut server) = proven(settings()).await;
    assert_eq!(server.frame_by(Instant::now() + PROBE_AFTER * 50).await, None, "nobody is asked in a rest");
    for _ in 0..3 {
        let sent = [world.send(), world.send()];
        pong(&mut server).await;
        for _ in &sent {
            let id = server.request().await;
            server.say(&ok(id)).await;
        }
        for sent in sent {
            assert_eq!(sent.await.unwrap(), Answered(200));
        }
        assert_eq!(server.frame_by(Instant::now() + PROBE_AFTER * 2).await, None);
    }
    tokio::spawn(server.stay());
    world.over().await;
}

/// The rest ends at its very moment, whenever the clock of the session ticks.
#[tokio::test(start_paused = true)]
async fn a_connection_is_used_as_it_is_until_it_has_rested_for_long() {
    for after in [Duration::ZERO, Duration::from_millis(333), Duration::from_millis(490)] {
        let (world, mut server) = proven(settings()).await;
        tokio::time::sleep(after).await;
        let mut heard = Instant::now();
        for rests in [PROBE_AFTER - MOMENT * 2, PROBE_AFTER + MOMENT * 2] {
            server.say(&ping(1)).await;
            assert_eq!(server.frame().await.unwrap().flags, ACK);
            heard = heard.max(Instant::now());
            tokio::time::sleep_until(heard + rests).await;
            let sent = world.send();
            if rests > PROBE_AFTER {
                pong(&mut server).await;
            }
            let next = server.frame().await.unwrap();
            assert_eq!(next.kind, HEADERS, "{rests:?} after {after:?}");
            server.say(&ok(next.stream)).await;
            assert_eq!(sent.await.unwrap(), Answered(200));
            rest(&mut server).await;
            heard = Instant::now();
        }
        tokio::spawn(server.stay());
        world.over().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_the_network_forgot_costs_one_probe_and_no_request() {
    let (mut world, mut forgotten) = proven(settings()).await;
    tokio::time::sleep(PROBE_AFTER * 2).await;
    let began = Instant::now();
    let all: Vec<_> = (0..20).map(|_| world.send()).collect();
    let mut server = world.begun(&[]).await;
    assert_eq!(began.elapsed(), Duration::from_secs(1), "upstream.probe_timeout, and no tick more");
    for _ in &all {
        let id = server.request().await;
        server.say(&ok(id)).await;
    }
    for sent in all {
        assert_eq!(sent.await.unwrap(), Answered(200));
    }
    let mut lost = Vec::new();
    while let Some(frame) = forgotten.frame().await {
        lost.push((frame.kind, frame.flags));
    }
    assert_eq!(lost, [(PING, 0)], "nothing else was written to it");
    tokio::spawn(server.stay());
    assert_eq!(world.over().await[0], EndCause::PingLost);
}

/// Anything that is read says that the connection lives.
#[tokio::test(start_paused = true)]
async fn a_byte_is_as_good_as_the_answer() {
    let (world, mut server) = proven(settings()).await;
    tokio::time::sleep(PROBE_AFTER * 2).await;
    server.say(&window_update(0, 1)).await;
    tokio::time::sleep(MOMENT).await;
    let sent = world.send();
    assert_eq!(server.frame().await.unwrap().kind, HEADERS, "it spoke just now");
    server.say(&ok(3)).await;
    assert_eq!(sent.await.unwrap(), Answered(200));
    tokio::spawn(server.stay());
    world.over().await;
}

#[tokio::test(start_paused = true)]
async fn between_two_probes_there_is_a_request() {
    let (mut world, mut server) = proven(settings()).await;
    tokio::time::sleep(PROBE_AFTER * 2).await;
    let left = world.send_body(300, Instant::now() + MOMENT);
    assert!(matches!(left.await.unwrap(), NoStream(_)));
    pong(&mut server).await;
    assert_eq!(server.frame_by(Instant::now() + PROBE_AFTER * 2).await, None);
    // The connection was asked, carried nothing, and would have to be asked again.
    let sent = world.send();
    let mut fresh = world.begun(&[]).await;
    let id = fresh.request().await;
    fresh.say(&ok(id)).await;
    assert_eq!(sent.await.unwrap(), Answered(200));
    assert_eq!(server.frame().await.unwrap().kind, GOAWAY);
    tokio::spawn(fresh.stay());
    assert_eq!(world.over().await[0], EndCause::Idle);
}

#[tokio::test(start_paused = true)]
async fn after_sleep_the_first_request_is_preceded_by_a_probe() {
    let (mut world, mut server) = proven(settings()).await;
    world.machine.sleeps(Duration::from_secs(4));
    let sent = world.send();
    assert_eq!(server.frame().await.unwrap().kind, HEADERS, "clocks differ by so much");
    server.say(&ok(3)).await;
    assert_eq!(sent.await.unwrap(), Answered(200));
    rest(&mut server).await;

    world.machine.sleeps(Duration::from_secs(3600));
    let sent = world.send();
    let mut fresh = world.begun(&[]).await;
    let id = fresh.request().await;
    fresh.say(&ok(id)).await;
    assert_eq!(sent.await.unwrap(), Answered(200));
    tokio::spawn(fresh.stay());
    assert_eq!(world.over().await[0], EndCause::PingLost);
}

/// What is in flight when the machine goes to sleep is not waited for as long as on a busy connection.
#[tokio::test(start_paused = true)]
async fn after_sleep_a_connection_that_owes_answers_is_asked_at_once() {
    for somebody_asks in [true, false] {
        let (world, mut server) = proven(settings()).await;
        let sent = world.send();
        server.request().await;
        world.machine.sleeps(Duration::from_secs(3600));
        let began = Instant::now();
        let other = somebody_asks.then(|| world.send());
        let asked = server.until(|frame| frame.kind == PING).await;
        assert!(began.elapsed() <= Duration::from_secs(1), "{:?}", began.elapsed());
        server.say(&frame(PING, ACK, 0, &asked.payload)).await;
        server.say(&ok(3)).await;
        assert_eq!(sent.await.unwrap(), Answered(200), "it lives");
        if let Some(other) = other {
            let id = server.request().await;
            server.say(&ok(id)).await;
            assert_eq!(other.await.unwrap(), Answered(200));
        }
        tokio::spawn(server.stay());
        world.over().await;
    }
}
