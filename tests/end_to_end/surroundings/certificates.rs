//! A client certificate that has ended, one that ends soon, and one that ends while the gateway serves.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{self, Delivery, Outcome, SendPushRequest, TokenAction};
use fanfare_simulator::Simulator;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::{check, ended, run, said, signal};
use crate::harness::{SOON, TOPIC, good, http_get, push};
use crate::killed::serve_with_log;
use crate::secrets::write_config;

const DAY: i64 = 24 * 60 * 60;

/// The time that is so many seconds from now, in seconds since the Unix epoch.
fn from_now(seconds: i64) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    now.checked_add_signed(seconds).unwrap()
}

fn date(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// Writes a certificate that ends at this time, and its key.
fn write_certificate(folder: &Path, name: &str, ends_at: u64) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["client.example".to_owned()]).unwrap();
    params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(ends_at);
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

/// The configuration with two more apps: `news` shows its certificate to APNs, `droid` to FCM.
fn write(folder: &Path, simulator: &Simulator, news: u64, droid: u64) {
    write_config(folder, simulator);
    write_certificate(folder, "news", news);
    write_certificate(folder, "droid", droid);
    let account = simulator.fcm().add_service_account(&["demo-project"]).unwrap().key_json();
    std::fs::write(folder.join("account.json"), account).unwrap();
    let file = folder.join("fanfare.toml");
    let more = format!(
        r#"
[fcm]
origin = "{}"
[apps.news.apns]
environment = "production"
topics = ["{TOPIC}"]
[apps.news.apns.certificate]
certificate_file = "news.pem"
private_key_file = "news.key"
[apps.droid.fcm]
project = "demo-project"
key_file = "account.json"
[apps.droid.fcm.certificate]
certificate_file = "droid.pem"
private_key_file = "droid.key"
"#,
        simulator.fcm().origin()
    );
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap() + &more).unwrap();
}

fn to(app: &str) -> proto::Push {
    let mut push = proto::Push { app: app.to_owned(), ..push(&good(1)) };
    if app == "droid" {
        let target = proto::FcmTarget { registration_token: "ok:1".to_owned(), ..Default::default() };
        push.target = Some(proto::Target { fcm: Some(Box::new(target)), ..proto::Target::default() });
    }
    push
}

async fn send(grpc: &str, app: &str) -> proto::PushResult {
    let mut client = PushServiceClient::connect(grpc.to_owned()).await.unwrap();
    let request = SendPushRequest { push: Some(Box::new(to(app))) };
    client.send_push(request).await.unwrap().into_inner().result.unwrap()
}

#[tokio::test]
async fn check_says_when_each_ends_and_refuses_one_that_has() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let (soon, later) = (from_now(3 * DAY), from_now(300 * DAY));
    write(folder.path(), &simulator, soon, later);
    let config = folder.path().join("fanfare.toml");
    let checked = run(check(&config)).await;
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    for (provider, until) in [("news.apns", soon), ("droid.fcm", later)] {
        let expected =
            format!("apps.{provider}.certificate  names client.example, valid until {}", date(until));
        assert!(said(&checked).contains(&expected), "{expected}\n{}", said(&checked));
    }
    let warning = |name: &str| format!("apps.{name}.certificate: the certificate ends within 30 days");
    assert!(said(&checked).contains(&warning("news.apns")), "{}", said(&checked));
    assert!(!said(&checked).contains(&warning("droid.fcm")), "{}", said(&checked));

    let past = from_now(-35 * DAY);
    for (news, droid, wrong) in [
        (past, later, &["news.apns"][..]),
        (later, past, &["droid.fcm"]),
        (past, past, &["news.apns", "droid.fcm"]),
    ] {
        write(folder.path(), &simulator, news, droid);
        let checked = run(check(&config)).await;
        assert_eq!(checked.status.code(), Some(1), "{}", said(&checked));
        for wrong in wrong {
            let expected = format!("apps.{wrong}.certificate: expected a certificate that is valid now");
            assert!(said(&checked).contains(&expected), "{expected}\n{}", said(&checked));
        }
        assert!(
            said(&checked).contains(&date(past)) && !said(&checked).contains("is good"),
            "{}",
            said(&checked)
        );
    }
}

/// One certificate ends while the gateway serves, and the other has ended before.
#[tokio::test]
async fn the_gateway_serves_other_apps_and_says_of_each_that_it_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let (past, soon) = (from_now(-35 * DAY), from_now(4));
    write(folder.path(), &simulator, soon, past);
    let mut gateway = serve_with_log(folder.path(), "gateway", Stdio::piped()).await;
    let (lines, log) = mpsc::sync_channel(100_000);
    let stderr = BufReader::new(gateway.process.stderr.take().unwrap());
    std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));

    // The line of this level about this app.
    let mut seen: Vec<serde_json::Value> = Vec::new();
    let mut said_of = |app: &str, level: &str| {
        let is_it = |line: &serde_json::Value| line["fields"]["app"] == app && line["level"] == level;
        loop {
            if let Some(line) = seen.iter().find(|line| is_it(line)) {
                return line["fields"].clone();
            }
            seen.push(serde_json::from_str(&log.recv_timeout(SOON).expect("a line of the log")).unwrap());
        }
    };
    let expired = |fields: serde_json::Value, provider: &str, ends_at: u64| {
        assert!(fields["message"].as_str().unwrap().contains("the client certificate has ended"), "{fields}");
        assert_eq!(fields["provider"], provider);
        assert!(fields["valid"].as_str().unwrap().ends_with(&format!("until {}", date(ends_at))), "{fields}");
    };
    expired(said_of("droid", "ERROR"), "fcm", past);
    let warned = said_of("news", "WARN");
    assert!(warned["message"].as_str().unwrap().contains("ends within 30 days"), "{warned}");
    expired(said_of("news", "ERROR"), "apns", soon);

    for app in ["news", "droid"] {
        let result = send(&gateway.grpc, app).await;
        assert_eq!((result.outcome(), result.delivery()), (Outcome::Credential, Delivery::No), "{result:?}");
        assert_eq!((result.token_action(), result.retryable), (TokenAction::Keep, false), "{result:?}");
        assert!(result.detail.contains("client certificate"), "{result:?}");
    }
    assert_eq!(send(&gateway.grpc, "shop").await.outcome(), Outcome::Accepted);
    let page = http_get(gateway.admin.parse().unwrap(), "/metrics").await;
    for (app, provider, ends_at) in [("news", "apns", soon), ("droid", "fcm", past)] {
        let name = "fanfare_certificate_expiry_timestamp_seconds";
        let sample = format!("{name}{{app=\"{app}\",provider=\"{provider}\"}} {ends_at}.0\n");
        assert!(page.contains(&sample), "{sample}{page}");
        let refused = page
            .lines()
            .filter(|line| line.starts_with("fanfare_credential_refused{credential=\"certificate "));
        let here = format!(",place=\"{provider}\"}} 1");
        assert_eq!(refused.filter(|line| line.ends_with(&here)).count(), 1, "{page}");
    }
    let ready = http_get(gateway.admin.parse().unwrap(), "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    signal(&gateway.process, "-TERM");
    assert_eq!(ended(&mut gateway.process).await.code(), Some(0));
}
