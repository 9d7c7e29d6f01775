//! Log lines about hosts that end users choose are counted and not all written, however many hosts there are.

use std::io::Read;
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{self, Outcome, SendPushRequest};

use super::{ended, signal};
use crate::harness::{SOON, alert};
use crate::killed::serve_with_log;

/// How many hosts have addresses that are not public, which are never connected to.
const HOSTS: usize = 100;

/// Source: RFC 8291, section 5.
const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

fn push(host: usize) -> proto::Push {
    let subscription = proto::WebPushSubscription {
        endpoint: format!("https://127.0.0.{host}/abc"),
        p256dh: URL_SAFE_NO_PAD.decode(P256DH).unwrap(),
        auth: URL_SAFE_NO_PAD.decode(AUTH).unwrap(),
    };
    let target = proto::Target { web_push: Some(Box::new(subscription)), ..proto::Target::default() };
    let (app, content) = ("web".to_owned(), Some(alert("Hello", "World")));
    proto::Push { app, target: Some(target), content, ..proto::Push::default() }
}

#[tokio::test]
async fn a_hundred_hosts_that_may_not_be_reached_are_five_lines_and_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let hosts: Vec<_> = (1..=HOSTS).map(|host| format!("127.0.0.{host}")).collect();
    let config = format!(
        r#"
grpc.listen = "127.0.0.1:0"
admin.listen = "127.0.0.1:0"
[apps.web.web_push]
key_file = "vapid.pem"
subject = "mailto:push@example.com"
hosts = {hosts:?}
"#
    );
    std::fs::write(folder.path().join("fanfare.toml"), config).unwrap();
    std::fs::write(folder.path().join("vapid.pem"), include_str!("../../data/vapid/pkcs8.pem")).unwrap();
    let mut gateway = serve_with_log(folder.path(), "gateway", Stdio::piped()).await;
    let mut stderr = gateway.process.stderr.take().unwrap();
    let read = tokio::task::spawn_blocking(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        log
    });
    let mut client = PushServiceClient::connect(gateway.grpc.clone()).await.unwrap();
    for host in 1..=HOSTS {
        let request = SendPushRequest { push: Some(Box::new(push(host))) };
        let result = client.send_push(request).await.unwrap().into_inner().result.unwrap();
        assert_ne!(result.outcome(), Outcome::Accepted, "{result:?}");
    }
    signal(&gateway.process, "-TERM");
    assert_eq!(ended(&mut gateway.process).await.code(), Some(0));
    let log = tokio::time::timeout(SOON, read).await.expect("the log ends").unwrap();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let about_hosts = lines.iter().filter(|line| line["fields"]["origin"].is_string());
    assert_eq!(about_hosts.count(), 5, "{log}");
    let told = lines.iter().find(|line| line["fields"]["times"].is_u64()).expect("the number is told");
    assert_eq!(told["fields"]["times"], HOSTS - 5, "{told}");
    assert!(
        told["fields"]["line"].as_str().unwrap().starts_with("cannot connect to a subscription's"),
        "{told}"
    );
}
