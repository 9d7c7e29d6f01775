//! Endpoints are chosen by who pushes go to, so by anybody.

use fanfare_upstream::PeerKind;

use super::*;

/// Endpoints that no app may send to; the end-to-end suite reads it too.
const HOSTILE: &str = include_str!("../../../../tests/data/hostile-endpoints.json");

fn opened(hosts: &[&str], any_port: bool) -> WebPush {
    let hosts = hosts.iter().map(ToString::to_string).collect();
    WebPush::try_new(WebPushSettings { hosts, any_port, pad_to: 0 }).unwrap()
}

fn origin(web_push: &WebPush, endpoint: &str) -> Option<String> {
    web_push.origin(&browser(endpoint)).ok().map(|(origin, _)| origin.to_string())
}

#[test]
fn the_vendors_hosts_need_no_setting() {
    for (endpoint, origin, vendor) in [
        (ENDPOINT, "https://updates.push.services.mozilla.com", Vendor::Mozilla),
        ("https://fcm.googleapis.com/fcm/send/a:b", "https://fcm.googleapis.com", Vendor::Google),
        ("https://fcm.googleapis.com:443/wp/a", "https://fcm.googleapis.com", Vendor::Google),
        ("HTTPS://FCM.GoogleAPIs.com/wp/a", "https://fcm.googleapis.com", Vendor::Google),
        ("https://web.push.apple.com/QP", "https://web.push.apple.com", Vendor::Apple),
        (
            "https://wns2-am3p.notify.windows.com/w/?token=BQ",
            "https://wns2-am3p.notify.windows.com",
            Vendor::Microsoft,
        ),
    ] {
        assert_eq!(self::origin(&web_push(), endpoint).as_deref(), Some(origin), "{endpoint}");
        let message = sent_by(&web_push(), &body(alert()), &browser(endpoint)).unwrap();
        assert_eq!(message.context, vendor, "{endpoint}");
    }
}

#[test]
fn path_and_query_go_out_byte_for_byte() {
    for path in [
        "/",
        "/w/?token=BQYAAAD%2f%2B%2f%3D%3d&x=a+b",
        "/a//b/../c/./d;e=f?g?h=/i",
        "/%00%0a%20%zz",
        "/~!$&'()*,:@-._",
        "/a?",
        "/a?b=https://[::1]@evil/",
    ] {
        let endpoint = format!("https://fcm.googleapis.com{path}");
        let message = sent_by(&web_push(), &body(alert()), &browser(&endpoint)).unwrap();
        assert_eq!(message.request.path(), path);
    }
}

#[test]
fn a_hostile_endpoint_is_refused_by_name() {
    #[derive(serde::Deserialize)]
    struct Kind {
        kind: String,
        endpoints: Vec<String>,
    }
    let kinds: Vec<Kind> = serde_json::from_str(HOSTILE).unwrap();
    assert!(kinds.iter().map(|kind| kind.endpoints.len()).sum::<usize>() > 100);
    for (kind, hostile) in kinds.iter().flat_map(|kind| kind.endpoints.iter().map(move |it| (&kind.kind, it)))
    {
        let endpoint = browser(hostile);
        let sent = sent_by(&web_push(), &body(alert()), &endpoint);
        for refusal in [web_push().origin(&endpoint).err(), sent.err()] {
            let refusal = refusal.unwrap_or_else(|| panic!("{hostile:?} was taken: {kind}"));
            assert_eq!(refusal.field, "target.web_push.endpoint");
            assert_eq!((refusal.outcome, refusal.reason), (Outcome::InvalidPush, Reason::FieldInvalid));
            assert!(refusal.detail.contains("expected") && refusal.detail.contains("found"), "{refusal:?}");
        }
    }
}

#[test]
fn an_endpoint_that_its_browser_gave_up_is_gone_without_asking() {
    for endpoint in
        ["https://permanently-removed.invalid/fcm/send/a:b", "https://Permanently-Removed.INVALID:443/"]
    {
        let refusal = web_push().origin(&browser(endpoint)).unwrap_err();
        assert_eq!(refusal.outcome, Outcome::Unregistered, "{endpoint}");
        assert_eq!(refusal.field, "target.web_push.endpoint");
    }
}

#[test]
fn only_the_very_hosts_that_are_listed_are_known_before_they_answer() {
    let web_push = opened(&["push.example.com", "*.push.example.org", "wns1.notify.windows.com"], true);
    for (endpoint, kind) in [
        ("https://push.example.com/a", PeerKind::Configured),
        ("https://wns1.notify.windows.com/a", PeerKind::Configured),
        ("https://push.example.com:8443/a", PeerKind::Claimed),
        ("https://fcm.googleapis.com/a", PeerKind::Known),
        ("https://updates.push.services.mozilla.com/a", PeerKind::Known),
        ("https://web.push.apple.com/a", PeerKind::Known),
        ("https://web.push.apple.com:8443/a", PeerKind::Claimed),
        ("https://made-up.push.apple.com/a", PeerKind::Claimed),
        ("https://wns2.notify.windows.com/a", PeerKind::Claimed),
        ("https://made-up.push.example.org/a", PeerKind::Stranger),
    ] {
        assert_eq!(web_push.origin(&browser(endpoint)).unwrap().1, kind, "{endpoint}");
    }
}

#[test]
fn an_operator_opens_hosts_and_ports() {
    let own = ["push.example.com", "*.Push.Example.ORG", "localhost", "127.0.0.1", "[::1]", "cafe"];
    for (endpoint, origin) in [
        ("https://push.example.com:8443/a", Some("https://push.example.com:8443")),
        ("https://push.example.com/a", Some("https://push.example.com")),
        ("https://a.b.push.example.org:1/a", Some("https://a.b.push.example.org:1")),
        ("https://push.example.org/a", None),
        ("https://a.push.example.com/a", None),
        ("https://localhost:65535/a", Some("https://localhost:65535")),
        ("https://127.0.0.1:9/a", Some("https://127.0.0.1:9")),
        ("https://127.1:9/a", None),
        ("https://[::1]:9/a", Some("https://[::1]:9")),
        ("https://cafe/a", Some("https://cafe")),
        ("https://[cafe]/a", None),
        ("https://[0:0:0:0:0:0:0:1]:9/a", None),
        ("https://fcm.googleapis.com:8443/a", Some("https://fcm.googleapis.com:8443")),
    ] {
        assert_eq!(self::origin(&opened(&own, true), endpoint).as_deref(), origin, "{endpoint}");
        let with_443 = origin.filter(|origin| origin.rsplit(':').next().unwrap().parse::<u16>().is_err());
        assert_eq!(self::origin(&opened(&own, false), endpoint).as_deref(), with_443, "{endpoint}");
    }
    let message = sent_by(&opened(&own, true), &body(alert()), &browser("https://localhost:1/a")).unwrap();
    assert_eq!(message.context, Vendor::Other);
}

#[test]
fn what_is_no_host_is_no_setting() {
    for bad in [
        "",
        "*",
        "*.",
        "*.*.example.com",
        "a*.example.com",
        "example.*",
        "https://example.com",
        "example.com:443",
        "example.com/",
        "a b",
        "exämple.com",
        "example.com.",
        ".example.com",
        "u@example.com",
        "[::1",
        "::g",
        "*.0.0.1",
        "*.127.0.0.1",
        "push.example.1",
        "*.[::1]",
        "fe80::1%eth0",
        "a..b",
        &"a".repeat(64),
    ] {
        let settings = WebPushSettings { hosts: vec![bad.into()], ..WebPushSettings::default() };
        let error = WebPush::try_new(settings).unwrap_err();
        assert!(error.to_string().contains("expected a host"), "{bad}: {error}");
    }
}

#[test]
fn a_refusal_never_shows_the_endpoint() {
    for endpoint in ["https://evil.example/secret", "https://fcm.googleapis.com/secret#", "http://a/secret"] {
        let refusal = web_push().origin(&browser(endpoint)).unwrap_err();
        assert!(!format!("{refusal:?}").contains("secret"), "{refusal:?}");
    }
}
