//! A CONNECT proxy resolves names itself, so it is asked only for hosts that the app lists.

use std::collections::HashSet;

use fanfare::proto::{Delivery, Outcome, Reason, TokenAction};
use fanfare_simulator::{Simulator, Subscription, Vendor, WebPushScriptedOutcome, WebPushSettings};

use super::{Browsers, PRIVATE, app, host, push, simulator};
use crate::harness::APP;
use crate::net::Net;
use crate::tunnel::{Mode, Tunnel};

/// A gateway whose only way out is the proxy. Its app takes any port, because a tunnel leads to the same port on loopback.
async fn behind(tunnel: &Tunnel, hosts: &[&str]) -> Browsers {
    let simulator = simulator(WebPushSettings::default()).await;
    let key = simulator.web_push().new_key().unwrap();
    let apps = vec![app(APP, &key, |app| {
        app.any_port = true;
        app.hosts.extend(hosts.iter().map(|it| (*it).to_owned()));
    })];
    // The operator chose the proxy, so it may be at any address.
    let net = Net::new(tunnel.address);
    let proxies = tunnel.proxies(None, &[]);
    Browsers::serve(simulator, net, key, apps, |config| config.proxy = Some(proxies)).await
}

fn port(simulator: &Simulator) -> u16 {
    simulator.web_push().address().port()
}

fn subscribe(browsers: &Browsers, host: &str, vendor: Vendor) -> Subscription {
    let host = format!("{host}:{}", port(browsers.simulator()));
    browsers.fated(&host, vendor, WebPushScriptedOutcome::Good)
}

#[tokio::test]
async fn the_proxy_is_asked_for_the_hosts_of_push_services_by_name() {
    let tunnel = Tunnel::start(Mode::Tunnel).await;
    let browsers = behind(&tunnel, &[]).await;
    let hosts: Vec<_> = Vendor::ALL
        .into_iter()
        .map(|vendor| (host(vendor), vendor))
        .chain([(PRIVATE, Vendor::Mozilla), ("a.push.example.net", Vendor::Mozilla)])
        .collect();
    for (host, vendor) in &hosts {
        let subscription = subscribe(&browsers, host, *vendor);
        for _ in 0..3 {
            let result = browsers.send(push(&subscription)).await;
            assert_eq!(result.outcome(), Outcome::Accepted, "{host}: {result:?}");
        }
        assert_eq!(browsers.got(&subscription).len(), 3);
    }
    let port = port(browsers.simulator());
    let wanted: HashSet<_> = hosts
        .iter()
        .map(|(host, _)| format!("CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n"))
        .collect();
    let heads = tunnel.heads();
    assert_eq!((heads.len(), HashSet::from_iter(heads)), (hosts.len(), wanted));
    // Nothing but the proxy itself was resolved or dialled.
    let proxy = tunnel.address.ip().to_string();
    assert!(browsers.net.resolved.lock().unwrap().iter().all(|it| *it == proxy));
    assert!(browsers.net.dialled().iter().all(|it| *it == proxy));
}

#[tokio::test]
async fn the_proxy_is_never_asked_for_a_host_that_no_app_lists_nor_for_an_address() {
    let tunnel = Tunnel::start(Mode::Tunnel).await;
    // An operator's list does not make an address public.
    let listed = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1"];
    let browsers = behind(&tunnel, &listed).await;
    let port = port(browsers.simulator());
    for host in listed {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let result = browsers.send(push(&subscribe(&browsers, &host, Vendor::Mozilla))).await;
        assert_eq!((result.outcome(), result.reason()), (Outcome::InvalidPush, Reason::FieldInvalid));
        assert!(result.detail.ends_with(" has no public address"), "{result:?}");
        assert_eq!((&*result.field, result.attempts), ("target.web_push.endpoint", 0));
        assert_eq!((result.delivery(), result.token_action()), (Delivery::No, TokenAction::Keep));
    }
    let good = subscribe(&browsers, PRIVATE, Vendor::Mozilla);
    for host in [
        "localhost",
        "evil.example",
        "127.0.0.2",
        "[::2]",
        "198.41.0.4",
        "2130706433",
        "fcm.googleapis.com.evil.example",
        "evilfcm.googleapis.com",
        "push.apple.com",
        "push.example.net.",
        "push.example.net@evil.example",
    ] {
        let hostile =
            Subscription { endpoint: format!("https://{host}:{port}{}", good.path), ..good.clone() };
        let result = browsers.send(push(&hostile)).await;
        assert_eq!(result.outcome(), Outcome::InvalidPush, "{host}: {result:?}");
        assert_eq!((&*result.field, result.attempts), ("target.web_push.endpoint", 0), "{host}");
    }
    assert!(tunnel.heads().is_empty(), "{:?}", tunnel.heads());
    assert_eq!((browsers.net.resolved(), browsers.net.dialled().len()), (0, 0));
    assert_eq!(browsers.simulator().counters().requests_arrived, 0);
    assert_eq!(browsers.send(push(&good)).await.outcome(), Outcome::Accepted);
    assert_eq!(tunnel.heads().len(), 1);
}
