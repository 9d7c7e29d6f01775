//! The secrets of a subscription and of an app are searched for in everything that a gateway says at level TRACE: whoever has
//! an endpoint may send to it, and whoever has its keys may read.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fanfare::proto;
use fanfare_simulator::{Simulator, Subscription, VapidKey, Vendor, WebPushRefusal, WebPushScriptedOutcome};

use super::{header, push, raw, seconds, target};
use crate::secrets::everything_said;

/// The text of a payload.
const PAYLOAD: &str = "nobody-but-the-browser-reads-this";

fn write_config(folder: &Path, simulator: &Simulator, key: &VapidKey) {
    std::fs::write(folder.join("vapid.pem"), &key.private_key_pem).unwrap();
    std::fs::write(folder.join("ca.pem"), simulator.ca_pem()).unwrap();
    let config = r#"
[grpc]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[log]
filter = "fanfare=trace,info"
format = "json"
[web_push]
ca_files = ["ca.pem"]
[apps.shop.web_push]
key_file = "vapid.pem"
subject = "mailto:push@example.com"
hosts = ["localhost"]
any_port = true
private_addresses = true
"#;
    std::fs::write(folder.join("fanfare.toml"), config).unwrap();
}

/// Bytes in the forms in which something may print them.
fn forms(bytes: &[u8]) -> Vec<String> {
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let listed = format!("{bytes:?}");
    vec![
        hex.to_uppercase(),
        hex,
        listed.trim_matches(['[', ']']).to_owned(),
        STANDARD.encode(bytes).trim_end_matches('=').to_owned(),
        URL_SAFE_NO_PAD.encode(bytes),
    ]
}

/// Everything that is secret of a subscription.
fn secrets(subscription: &Subscription) -> Vec<String> {
    let path = &subscription.path;
    let web_push = target(subscription).web_push.unwrap();
    let mut all = vec![path.clone(), path[path.len() - 40..].to_owned(), path[..40].to_owned()];
    // Not even half of a key may appear.
    for key in [&web_push.p256dh[..], &web_push.p256dh[33..], &web_push.auth[..], &web_push.auth[..8]] {
        all.extend(forms(key));
    }
    all
}

/// Every way in which a push may end: taken, refused, unanswered, and not sent because endpoint, host or key are not good.
fn pushes(simulator: &Simulator, key: &VapidKey) -> (Vec<proto::Push>, Vec<Subscription>) {
    let services = simulator.web_push();
    let (mut pushes, mut subscriptions) = (Vec::new(), Vec::new());
    for vendor in Vendor::ALL {
        for fate in [
            WebPushScriptedOutcome::Good,
            WebPushScriptedOutcome::Refused(WebPushRefusal::Gone),
            WebPushScriptedOutcome::Refused(WebPushRefusal::KeyMismatch),
        ] {
            let subscription = services.subscribe(vendor, &key.public_key, fate).unwrap();
            pushes.push(proto::Push { content: Some(raw(PAYLOAD)), ..push(&subscription) });
            subscriptions.push(subscription);
        }
    }
    let good = services.subscribe(Vendor::Google, &key.public_key, WebPushScriptedOutcome::Good).unwrap();
    let deaf = services.subscribe(Vendor::Apple, &key.public_key, WebPushScriptedOutcome::Silent).unwrap();
    pushes.push(push(&deaf));
    let with = |endpoint: String| Subscription { endpoint, ..good.clone() };
    for endpoint in [
        format!("https://evil.example{}", good.path),
        format!("https://permanently-removed.invalid{}", good.path),
        format!("http://localhost{}", good.path),
        format!("https://user:{}@localhost/", &good.auth),
        // A port that nobody listens on, and a path that cannot be sent.
        format!("https://localhost:1{}", good.path),
        format!("{}\"<>{{}}", good.endpoint),
    ] {
        pushes.push(push(&with(endpoint)));
    }
    pushes.push(push(&Subscription { p256dh: "A".repeat(87), ..good.clone() }));
    pushes.push(push(&Subscription { auth: good.p256dh.clone(), ..good.clone() }));
    subscriptions.extend([deaf, good]);
    for push in &mut pushes {
        let max_wait = seconds(3);
        push.options = Some(proto::Options { max_wait, ..proto::Options::default() });
    }
    (pushes, subscriptions)
}

#[tokio::test]
async fn no_secret_of_a_subscription_or_key_reaches_logs_metrics_or_answers() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().start().await.unwrap();
    let key = simulator.web_push().new_key().unwrap();
    write_config(folder.path(), &simulator, &key);
    let (pushes, subscriptions) = pushes(&simulator, &key);
    let everything = everything_said(folder.path(), pushes).await;

    let shown = simulator.journal().select(|entry| entry.header("authorization").is_some());
    // This holds for all but the last, whose endpoint was always changed.
    assert!(shown.len() >= subscriptions.len() - 1, "{}", shown.len());
    let mut all: Vec<_> = subscriptions.iter().flat_map(secrets).collect();
    for entry in &shown {
        let authorization = header(entry, "authorization").unwrap();
        let (jwt, _) = authorization.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let (_, signature) = jwt.rsplit_once('.').unwrap();
        all.extend([jwt.to_owned(), signature.to_owned(), signature[..40].to_owned()]);
    }
    let pem: String = key.private_key_pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(&pem).unwrap();
    // The private key itself stands at these bytes of PKCS#8. Source: RFC 5958, section 2, and RFC 5915, section 3.
    all.extend(forms(&der[36..68]));
    all.extend([pem[..64].to_owned(), PAYLOAD.to_owned(), STANDARD.encode(PAYLOAD)]);
    for secret in all {
        assert!(secret.len() >= 10 && !everything.contains(&secret), "{secret} in {everything}");
    }
    // The origin may be told, and is, because without it nobody finds out which push service fails.
    assert!(everything.contains(&simulator.web_push().origin()));
}
