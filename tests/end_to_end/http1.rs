//! An upstream that speaks HTTP/1.1: connections that are kept and shared, and what each end of one means.

use std::sync::atomic::Ordering;
use std::time::Duration;

use fanfare::proto::{self, Delivery, Outcome, Reason};
use fanfare_simulator::HangUp;
use fanfare_upstream::Http;

use crate::harness::{APP, SOON, metric, metric_sum, until, within};
use crate::mattermost::{app, good_push, world, world_with};
use crate::stub::{Either, Front, OK, Raw};

async fn front(server: &Raw) -> Front {
    let one = |config: &mut fanfare::config::Config| config.upstream.max_connections_per_peer = 1;
    Front::start(vec![app(APP, &server.origin(), Http::Either, &[])], one).await
}

fn verdict(result: &proto::PushResult) -> (Outcome, Delivery, i32) {
    (result.outcome(), result.delivery(), result.attempts)
}

const ACCEPTED: (Outcome, Delivery, i32) = (Outcome::Accepted, Delivery::Accepted, 1);
const IN_DOUBT: (Outcome, Delivery, i32) = (Outcome::Unconfirmed, Delivery::Maybe, 1);

#[tokio::test]
async fn a_request_has_its_path_alone_and_names_its_host_and_length() {
    let server = Raw::start(|_| Some(OK.to_vec())).await;
    let front = front(&server).await;
    assert_eq!(verdict(&front.send(good_push(1)).await), ACCEPTED);
    let requests = server.requests.lock().unwrap();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /api/v1/send_push HTTP/1.1"));
    let mut headers: Vec<_> = lines.map(str::to_owned).collect();
    headers.sort();
    assert_eq!(headers, [format!("content-length: {}", body.len()), format!("host: {}", server.address)]);
}

/// An answer is the same however it is framed, and its connection is used again if the framing allows it.
#[tokio::test]
async fn answers_in_every_framing_are_read_and_the_connection_kept_where_it_may_be() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"status\r\n8\r\n\":\"OK\"}\n\r\n0\r\n\r\n";
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".to_owned();
    let interim = interim + std::str::from_utf8(OK).unwrap();
    let closing = "HTTP/1.1 200 OK\r\nConnection: Close\r\ncontent-length: 15\r\n\r\n{\"status\":\"OK\"}";
    let old = "HTTP/1.0 200 OK\r\ncontent-length: 15\r\n\r\n{\"status\":\"OK\"}";
    for (answer, kept) in [(chunked, true), (&*interim, true), (closing, false), (old, false)] {
        let bytes = answer.as_bytes().to_vec();
        let server = Raw::start(move |_| Some(bytes.clone())).await;
        let front = front(&server).await;
        for number in 1..=3 {
            assert_eq!(verdict(&front.send(good_push(number)).await), ACCEPTED, "{answer}");
        }
        // When a connection ends in use another opens at once in its place, so the last push leaves one behind.
        let opened = server.connections.load(Ordering::SeqCst);
        assert!(if kept { opened == 1 } else { (3..=4).contains(&opened) }, "{answer} {opened}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_in_doubt_and_the_next_push_has_a_connection_of_its_own() {
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(64 * 1024));
    let garbage = "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned();
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"status\"".to_owned();
    for (answer, hangs_up) in [(large, false), (garbage, false), (cut, true)] {
        let bytes = answer.clone().into_bytes();
        let server =
            Raw::start(move |number| Some(if number == 1 { bytes.clone() } else { OK.to_vec() })).await;
        let front = Front::start(vec![app(APP, &server.origin(), Http::Either, &[])], |config| {
            config.upstream.answer_timeout = Duration::from_secs(if hangs_up { 1 } else { 600 });
        })
        .await;
        let result = front.send(good_push(1)).await;
        assert_eq!(verdict(&result), IN_DOUBT, "{result:?}");
        assert_eq!(verdict(&front.send(good_push(2)).await), ACCEPTED);
        assert_eq!(server.connections.load(Ordering::SeqCst), 2);
    }
}

/// An answer that nobody asked for must not become that of the next push.
#[tokio::test]
async fn bytes_after_an_answer_are_not_taken_for_the_next_one() {
    let gone = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"status\":\"REMOVE\"}\n";
    let server = Raw::start(move |number| {
        let more = if number % 2 == 1 { &gone[..] } else { b"" };
        Some([OK, more].concat())
    })
    .await;
    let front = front(&server).await;
    // All wait for the one connection, so each is written as soon as the one before it is answered.
    let all = futures_util::future::join_all((0..50).map(|number| front.send(good_push(number)))).await;
    assert!(all.iter().all(|it| verdict(it) == ACCEPTED), "{all:?}");
    assert_eq!(server.requests.lock().unwrap().len(), 50);
}

#[tokio::test]
async fn a_connection_is_ended_before_the_server_ends_it_where_it_says_when() {
    let server = Raw::start(|_| {
        Some(b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=2, max=100\r\ncontent-length: 15\r\n\r\n{\"status\":\"OK\"}".to_vec())
    })
    .await;
    // Without the header the gateway would keep the connection longer than this test waits.
    let front = front(&server).await;
    assert_eq!(verdict(&front.send(good_push(1)).await), ACCEPTED);
    until(|| server.ended.load(Ordering::SeqCst) == 1).await;
    assert_eq!(verdict(&front.send(good_push(2)).await), ACCEPTED);
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_idle_connection_that_the_server_closed_costs_the_next_push_nothing() {
    for how in [HangUp::Fin, HangUp::Reset] {
        for tls in [false, true] {
            let world = world(tls, |builder| builder).await;
            assert_eq!(verdict(&world.send(good_push(1)).await), ACCEPTED);
            let connection = world.simulator.open_connections()[0].id;
            world.simulator.disconnect(connection, how).unwrap();
            let closed = || metric_sum(&world, "fanfare_upstream_connections_closed_total{", "");
            until(|| closed() == 1.0).await;
            assert_eq!(verdict(&world.send(good_push(2)).await), ACCEPTED);
            assert_eq!(world.simulator.counters().connections_opened, 2);
        }
    }
}

/// A server that closes while a request is on its way may have read it, and nobody can tell.
#[tokio::test]
async fn a_request_that_meets_the_end_of_its_connection_is_in_doubt() {
    let server = Raw::start(|number| (number != 2).then(|| OK.to_vec())).await;
    let front = front(&server).await;
    assert_eq!(verdict(&front.send(good_push(1)).await), ACCEPTED);
    let result = front.send(good_push(2)).await;
    assert_eq!((verdict(&result), result.reason()), (IN_DOUBT, Reason::ConnectionLost), "{result:?}");
    assert_eq!(verdict(&front.send(good_push(3)).await), ACCEPTED);
}

#[tokio::test]
async fn a_thousand_pushes_of_a_hundred_callers_share_a_few_connections() {
    let most = 8;
    let world = world_with(true, |it| it, |config| config.upstream.max_connections_per_peer = most).await;
    for round in 0..10 {
        let pushes = (0..100).map(|number| world.send(good_push(100 * round + number)));
        let results = futures_util::future::join_all(pushes).await;
        assert!(results.iter().all(|it| verdict(it) == ACCEPTED));
    }
    let counters = world.simulator.counters();
    assert!(counters.connections_opened <= most as u64, "{counters:?}");
    assert_eq!(counters.requests_arrived, 1000);
}

#[tokio::test]
async fn requests_whose_callers_left_keep_their_room_until_they_are_answered() {
    let world = world_with(false, |it| it, |config| config.max_in_flight = 10).await;
    world.simulator.set_answer_latency(Duration::from_millis(1500));
    let callers: Vec<_> = (1..=10)
        .map(|number| {
            let mut client = world.client.clone();
            let request = proto::SendPushRequest { push: Some(Box::new(good_push(number))) };
            tokio::spawn(async move { client.send_push(request).await })
        })
        .collect();
    world.simulator.journal().wait_for_read(10, SOON).await.unwrap();
    callers.iter().for_each(tokio::task::JoinHandle::abort);
    until(|| metric_sum(&world, "fanfare_upstream_orphans{", "") == 10.0).await;
    let refused = world.call(good_push(11)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Aborted);
    assert_eq!(metric_sum(&world, "fanfare_upstream_streams_used{", ""), 10.0);
    until(|| metric(&world.gateway, "fanfare_pushes_in_flight ") == 0.0).await;
    assert_eq!(metric_sum(&world, "fanfare_upstream_streams_used{", ""), 0.0);
    assert_eq!(metric_sum(&world, "fanfare_upstream_orphans{", ""), 0.0);
    // Their answers were read, so their connections are good for more.
    world.simulator.set_answer_latency(Duration::ZERO);
    assert_eq!(verdict(&world.send(good_push(12)).await), ACCEPTED);
    assert_eq!(world.simulator.counters().connections_opened, 10);
}

#[tokio::test]
async fn a_deadline_tells_what_was_written_from_what_waited() {
    let one = |config: &mut fanfare::config::Config| config.upstream.max_connections_per_peer = 1;
    let world = world_with(true, |it| it, one).await;
    world.simulator.set_answer_latency(Duration::from_secs(2));
    let (written, waited) = tokio::join!(world.send(within(good_push(1), Duration::from_secs(1))), async {
        world.simulator.journal().wait_for_read(1, SOON).await.unwrap();
        world.send(within(good_push(2), Duration::from_millis(500))).await
    });
    world.simulator.set_answer_latency(Duration::ZERO);
    assert_eq!((verdict(&written), written.reason()), (IN_DOUBT, Reason::AnswerTimeout), "{written:?}");
    assert_eq!(verdict(&waited), (Outcome::NotAttempted, Delivery::No, 0), "{waited:?}");
    // The answer of the first is read all the same, and its connection is used again.
    assert_eq!(verdict(&world.send(within(good_push(3), SOON)).await), ACCEPTED);
    let counters = world.simulator.counters();
    assert_eq!((counters.requests_arrived, counters.connections_opened), (2, 1));
}

#[tokio::test]
async fn a_shutdown_waits_for_answers_and_its_end_tells_the_written_from_the_unwritten() {
    for (latency, drain, written) in [(300, 20_000, ACCEPTED), (60_000, 200, IN_DOUBT)] {
        let world = world_with(
            false,
            |it| it,
            |config| {
                config.upstream.max_connections_per_peer = 2;
                config.drain_timeout = Duration::from_millis(drain);
            },
        )
        .await;
        world.simulator.set_answer_latency(Duration::from_millis(latency));
        let send = |number| {
            let mut client = world.client.clone();
            let request =
                proto::SendPushRequest { push: Some(Box::new(within(good_push(number), SOON * 2))) };
            tokio::spawn(async move { client.send_push(request).await.unwrap().into_inner().result.unwrap() })
        };
        let first: Vec<_> = (0..2).map(send).collect();
        world.simulator.journal().wait_for_read(2, SOON).await.unwrap();
        let waits = send(2);
        until(|| metric_sum(&world, "fanfare_upstream_waiting{", "") == 1.0).await;
        world.gateway.shut_down().await;
        for push in first {
            assert_eq!(verdict(&push.await.unwrap()), written);
        }
        let waited = verdict(&waits.await.unwrap());
        if written == IN_DOUBT {
            assert_eq!(waited, (Outcome::NotAttempted, Delivery::No, 0));
            assert_eq!(world.simulator.counters().requests_arrived, 2);
        } else {
            assert_eq!(waited, ACCEPTED);
        }
    }
}

#[tokio::test]
async fn alpn_chooses_and_prior_knowledge_needs_no_choice() {
    use http::Version;
    for (alpn, http, version) in [
        (Some(&["h2", "http/1.1"][..]), Http::Either, Version::HTTP_2),
        (Some(&["http/1.1"]), Http::Either, Version::HTTP_11),
        // A server without ALPN speaks HTTP/1.1.
        (Some(&[]), Http::Either, Version::HTTP_11),
        (Some(&["h2", "http/1.1"]), Http::One, Version::HTTP_11),
        (Some(&["h2", "http/1.1"]), Http::Two, Version::HTTP_2),
        (None, Http::Two, Version::HTTP_2),
    ] {
        let server = Either::start(alpn).await;
        let front = Front::start(vec![app(APP, &server.origin, http, &[&server.pem])], |_| {}).await;
        for number in 1..=3 {
            let result = front.send(good_push(number)).await;
            assert_eq!(verdict(&result), ACCEPTED, "{alpn:?} {http:?} {result:?}");
        }
        assert_eq!(*server.versions.lock().unwrap(), [version; 3], "{alpn:?} {http:?}");
    }
}

#[tokio::test]
async fn a_server_without_http2_where_it_is_asked_for_is_said_so() {
    let server = Either::start(Some(&["http/1.1"])).await;
    let front = Front::start(vec![app(APP, &server.origin, Http::Two, &[&server.pem])], |config| {
        config.upstream.connect_patience = 1;
    })
    .await;
    let result = front.send(good_push(1)).await;
    assert_eq!((result.delivery(), result.attempts), (Delivery::No, 0), "{result:?}");
    assert!(server.versions.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_app_that_asks_for_a_protocol_that_is_not_there_spoils_it_for_no_other() {
    let server = Raw::start(|_| Some(OK.to_vec())).await;
    let apps =
        vec![app("wrong", &server.origin(), Http::Two, &[]), app(APP, &server.origin(), Http::Either, &[])];
    let front = Front::start(apps, |config| config.upstream.connect_patience = 1).await;
    assert_eq!(verdict(&front.send(good_push(1)).await), ACCEPTED);
    let wrong = front.send(proto::Push { app: "wrong".to_owned(), ..good_push(2) }).await;
    assert_eq!((wrong.delivery(), wrong.attempts), (Delivery::No, 0), "{wrong:?}");
}
