//! Peers that an end user named: whatever their names lead to, no connection goes to an address that only this machine reaches.

mod gateway;
mod world;

use std::sync::atomic::Ordering;
use std::time::Duration;

use fanfare_upstream::{Origin, UpstreamSettings};
use futures_util::future::join_all;

use self::world::World;
use crate::net::PUBLIC;
use crate::stub::Raw;
use crate::tunnel::{Mode, Tunnel};

/// A server that answers, and ends the connection after each answer if `closes` is set.
async fn server(closes: bool) -> Raw {
    let end = if closes { "connection: close\r\n" } else { "" };
    Raw::start(move |_| Some(format!("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n{end}\r\n").into())).await
}

/// An address of each kind that is not public, and the forms that hide one.
const NOT_PUBLIC: [&str; 34] = [
    "0.0.0.0",
    "10.0.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "100::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "5f00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
];

#[tokio::test]
async fn no_address_that_is_not_public_is_dialled() {
    let elsewhere = server(false).await;
    let world = World::new(elsewhere.address);
    for (number, address) in NOT_PUBLIC.into_iter().enumerate() {
        let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        for scheme in ["https", "http"] {
            let literal = world.peer(&format!("{scheme}://{host}:8443"), None);
            world.assert_forbidden(&literal, address).await;
            world.net.say(&[address]);
            let name = format!("push-{number}.test");
            world.assert_forbidden(&world.peer(&format!("{scheme}://{name}"), None), &name).await;
        }
    }
    // Spellings that only the C library takes for addresses are no origins at all.
    for host in ["0x7f000001", "0x7f.1", "2130706433", "0177.0.0.1", "127.1"] {
        assert!(format!("https://{host}").parse::<Origin>().is_err(), "{host}");
    }
    world.net.say(&["127.0.0.1", "::1"]);
    for host in ["localhost", "localhost.localdomain", "127.0.0.1.nip.io"] {
        world.assert_forbidden(&world.peer(&format!("https://{host}"), None), host).await;
    }
    assert_eq!(world.net.dialled(), [""; 0]);
    assert_eq!(elsewhere.requests.lock().unwrap().len(), 0);
    assert_eq!(world.upstream.open_connections(), 0);
}

#[tokio::test]
async fn of_mixed_answers_only_the_public_ones_are_dialled() {
    // Each request has a connection of its own.
    let server = server(true).await;
    let world = World::new(server.address);
    let peer = world.peer("http://push.test", None);
    world.net.say(&["10.0.0.1", PUBLIC[0], "::1", PUBLIC[1], "::ffff:10.0.0.1", "169.254.169.254"]);
    for _ in 0..30 {
        assert_eq!(world.ask(&peer).await.unwrap().status, 201);
    }
    let dialled = world.net.dialled();
    assert!(dialled.iter().all(|it| PUBLIC.contains(&it.as_str())), "{dialled:?}");
    assert!(dialled.len() >= 30);
}

#[tokio::test]
async fn a_name_that_turns_private_is_dialled_no_more_and_comes_back_when_it_turns_public() {
    let server = server(false).await;
    let brief =
        UpstreamSettings { http1_idle_timeout: Duration::from_millis(10), ..UpstreamSettings::default() };
    let world = World::with(server.address, brief);
    let peer = world.peer("http://push.test", None);
    for round in 1..=3 {
        world.net.say(&PUBLIC[..1]);
        assert_eq!(world.ask(&peer).await.unwrap().status, 201);
        world.all_closed().await;
        world.net.say(&["127.0.0.1"]);
        world.assert_forbidden(&peer, "push.test").await;
        assert_eq!(world.net.dialled(), vec![PUBLIC[0]; round]);
        // The name is resolved once for each connect, so the address that was judged is the one that was dialled.
        assert_eq!(world.net.resolved(), 2 * round);
    }
    assert_eq!(server.requests.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn many_at_once_are_told_by_one_resolution_and_those_after_them_by_few() {
    let server = server(false).await;
    let world = World::new(server.address);
    world.net.say(&["10.0.0.1"]);
    let peer = world.peer("https://push.test", None);
    join_all((0..100).map(|_| world.assert_forbidden(&peer, "push.test"))).await;
    assert_eq!(world.net.resolved(), 1);
    for _ in 0..100 {
        world.assert_forbidden(&peer, "push.test").await;
    }
    // The second connect comes at once, and the third would come in an hour.
    assert_eq!(world.net.resolved(), 2);
    let failures = "fanfare_upstream_connect_failures_total{origin=\"https://push.test\",identity=\"\",cause=\"not_public\"}";
    assert_eq!(world.metric(failures), 2.0);

    // Another peer does not suffer from that.
    world.net.say(&PUBLIC);
    let healthy = world.peer("http://healthy.test", None);
    assert_eq!(world.ask(&healthy).await.unwrap().status, 201);
}

#[tokio::test]
async fn behind_a_proxy_addresses_are_judged_and_names_are_left_to_it() {
    let server = server(false).await;
    let tunnel = Tunnel::start(Mode::Tunnel).await;
    let proxies = tunnel.proxies(None, &[]);
    // The operator chose the proxy, so it may be at any address.
    let world = World::new(tunnel.address);
    for address in NOT_PUBLIC {
        let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        let peer = world.peer(&format!("http://{host}:{}", server.address.port()), Some(&proxies));
        world.assert_forbidden(&peer, address).await;
    }
    assert_eq!((world.net.resolved(), world.net.dialled().len(), tunnel.heads().len()), (0, 0, 0));
    let named = world.peer(&format!("http://push.test:{}", server.address.port()), Some(&proxies));
    assert_eq!(world.ask(&named).await.unwrap().status, 201);
    assert_eq!(world.net.dialled(), [tunnel.address.ip().to_string()]);
    assert_eq!(*world.net.resolved.lock().unwrap(), [tunnel.address.ip().to_string()]);
}

#[tokio::test]
async fn no_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = server(false).await;
        let to = format!(
            "HTTP/1.1 {status} No\r\nlocation: {}/push/2\r\ncontent-length: 0\r\n\r\n",
            elsewhere.origin()
        );
        let server = Raw::start(move |_| Some(to.clone().into())).await;
        let world = World::new(server.address);
        world.net.say(&PUBLIC[..1]);
        assert_eq!(world.ask(&world.peer("http://push.test", None)).await.unwrap().status, status);
        assert_eq!((server.requests.lock().unwrap().len(), world.net.dialled().len()), (1, 1));
        assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn peers_without_end_leave_few_series_and_those_that_share_one_add_up() {
    let server = server(false).await;
    let room = UpstreamSettings {
        max_stranger_peers: 200,
        max_stranger_connections: 200,
        ..UpstreamSettings::default()
    };
    let world = World::with(server.address, room);
    world.net.say(&PUBLIC[..1]);
    let peers: Vec<_> = (0..100).map(|it| world.peer(&format!("http://push-{it}.test"), None)).collect();
    for answer in join_all(peers.iter().map(|peer| world.ask(peer))).await {
        assert_eq!(answer.unwrap().status, 201);
    }
    let open = |origin: &str| {
        let labels = format!("origin=\"{origin}\",identity=\"\",state=\"open\"");
        world.metric(&format!("fanfare_upstream_connections{{{labels}}}"))
    };
    assert_eq!((open("http://push-0.test"), open("other")), (1.0, 68.0));
    let page = world.metrics.page();
    assert_eq!(page.lines().filter(|it| it.starts_with("fanfare_upstream_streams_used{")).count(), 33);

    world.upstream.shut_down();
    world.upstream.abort();
    world.all_closed().await;
    assert_eq!((open("http://push-0.test"), open("other")), (0.0, 0.0));
    assert_eq!(world.metric("fanfare_upstream_streams_allowed{origin=\"other\",identity=\"\"}"), 0.0);
}
