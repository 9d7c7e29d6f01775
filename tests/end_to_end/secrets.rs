//! Every secret that a run uses is searched for in everything it writes, at level TRACE of our own targets.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{self, Outcome, SendPushRequest};
use fanfare_simulator::{Environment, Fault, FaultRule, ScriptedAnswer, Simulator, Trigger};

use crate::harness::{SOON, TOPIC, good, http_get, push};
use crate::surroundings::signal;
use crate::tunnel::{Mode, Tunnel};

/// Ends the process whatever becomes of the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn write_config(folder: &Path, simulator: &Simulator) {
    let key = simulator.provider_key();
    std::fs::write(folder.join("key.p8"), &key.private_key_pem).unwrap();
    std::fs::write(folder.join("ca.pem"), simulator.ca_pem()).unwrap();
    let config = format!(
        r#"
[grpc]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[log]
filter = "fanfare=trace,info"
format = "json"
[upstream]
ca_files = ["ca.pem"]
[apns]
production = "{}"
[apps.shop.apns]
environment = "production"
topics = ["{TOPIC}"]
[apps.shop.apns.token]
key_file = "key.p8"
key_id = "{}"
team_id = "{}"
"#,
        simulator.origin(Environment::Production),
        key.key_id,
        key.team_id
    );
    std::fs::write(folder.join("fanfare.toml"), config).unwrap();
}

/// A good device token, one that was good once, and one that never was good.
fn devices() -> Vec<proto::Push> {
    let tokens = [good(77), format!("dead{:060x}", 77), format!("0bad{:060x}", 77)];
    tokens.iter().map(|token| push(token)).collect()
}

/// Returns the log, the metrics and the answers of a gateway that sends these pushes with the configuration in `folder`.
pub(crate) async fn everything_said(folder: &Path, pushes: Vec<proto::Push>) -> String {
    let (log, others) = log_and_others(folder, pushes).await;
    log + &others
}

/// The log of a gateway, and everything else that it says.
async fn log_and_others(folder: &Path, pushes: Vec<proto::Push>) -> (String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args(["serve", "--config"])
        .arg(folder.join("fanfare.toml"))
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut stdout = child.stdout.take().unwrap();
    let serving = Serving(child);

    // The first line says where the gateway serves.
    let (first, log) = tokio::time::timeout(
        SOON,
        tokio::task::spawn_blocking(move || {
            let mut first = String::new();
            log.read_line(&mut first).unwrap();
            (first, log)
        }),
    )
    .await
    .unwrap()
    .unwrap();
    let line: serde_json::Value = serde_json::from_str(&first).unwrap_or_else(|_| panic!("{first}"));
    let grpc = line["fields"]["grpc"].as_str().unwrap().to_owned();
    let admin = line["fields"]["admin"].as_str().unwrap().parse().unwrap();

    let mut client = PushServiceClient::connect(format!("http://{grpc}")).await.unwrap();
    let mut answers = String::new();
    for push in pushes {
        let answer = client.send_push(SendPushRequest { push: Some(Box::new(push)) }).await.unwrap();
        let result = answer.into_inner().result.unwrap();
        assert_ne!(result.outcome(), Outcome::Unspecified);
        answers.push_str(&format!("{result:?}"));
    }
    let page = http_get(admin, "/metrics").await + &http_get(admin, "/status").await;
    // The gateway is told to end and not killed, because its last lines are still to be written.
    signal(&serving.0, "-TERM");
    let said = tokio::task::spawn_blocking(move || {
        let (mut said, mut log) = (String::new(), log);
        log.read_to_string(&mut said).unwrap();
        stdout.read_to_string(&mut said).unwrap();
        said
    })
    .await
    .unwrap();
    drop(serving);

    assert!(said.contains("verdict"), "nothing was logged at TRACE: {said}");
    (first + &said, page + &answers)
}

#[tokio::test]
async fn no_secret_reaches_logs_metrics_status_or_answers() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    write_config(folder.path(), &simulator);
    let everything = everything_said(folder.path(), devices()).await;
    let bearer = simulator.journal().entries()[0].header("authorization").unwrap().to_vec();
    let jwt = String::from_utf8(bearer).unwrap().split_once(' ').unwrap().1.to_owned();
    let key: Vec<_> = simulator.provider_key().private_key_pem.lines().map(str::to_owned).collect();
    for secret in [&jwt, &jwt[jwt.len() - 40..].to_owned(), &key[1], &good(77)[20..].to_owned()] {
        assert!(!everything.contains(secret.as_str()), "{secret} in {everything}");
    }
}

/// One proxy takes the credentials, and one refuses them.
#[tokio::test]
async fn the_credentials_of_a_proxy_reach_no_log_metric_or_answer() {
    const CREDENTIALS: &str = "gateway:open-sesame";
    for mode in [Mode::Tunnel, Mode::Refuse(407)] {
        let folder = tempfile::tempdir().unwrap();
        let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
        let tunnel = Tunnel::start(mode.clone()).await;
        write_config(folder.path(), &simulator);
        let config = folder.path().join("fanfare.toml");
        let mut text = std::fs::read_to_string(&config).unwrap();
        text += &format!("[proxy]\nurl = \"http://{}\"\ncredentials_file = \"secret\"\n", tunnel.address);
        std::fs::write(config, text).unwrap();
        std::fs::write(folder.path().join("secret"), CREDENTIALS).unwrap();
        let everything = everything_said(folder.path(), devices()).await;
        let basic = STANDARD.encode(CREDENTIALS);
        assert!(tunnel.heads()[0].contains(&basic), "they were sent");
        assert_eq!(everything.contains("status 407"), mode != Mode::Tunnel);
        for secret in ["sesame", &basic] {
            assert!(!everything.contains(secret), "{mode:?}: {secret} in {everything}");
        }
    }
}

/// A push service may repeat the token in its sentence. The log has each kind of answer once, and no token.
#[tokio::test]
async fn what_a_push_service_says_is_logged_once_a_kind_and_without_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    write_config(folder.path(), &simulator);
    let reason = format!("NewReason about {}", good(77));
    simulator
        .add_fault(FaultRule::always(Trigger::Always, Fault::Answer(ScriptedAnswer::refusal(418, &reason))));
    let (log, others) = log_and_others(folder.path(), vec![push(&good(77)); 5]).await;
    assert!(others.contains(&reason), "the caller reads it as it was said: {others}");
    assert_eq!(log.matches("first answer of its kind").count(), 1, "{log}");
    let line = log.lines().find(|line| line.contains("first answer of its kind")).unwrap();
    for part in ["\"app\":\"shop\"", "\"provider\":\"apns\"", "418", "NewReason about 900d0000…"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!log.contains(&good(77)), "{log}");
}

/// For an app in the wrong environment, the log says once that its targets are set aside, and what to check.
#[tokio::test]
async fn the_log_says_once_that_targets_are_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    write_config(folder.path(), &simulator);
    let pushes = (0..15).map(|number| push(&format!("0bad{number:060x}"))).collect();
    let (log, others) = log_and_others(folder.path(), pushes).await;
    assert_eq!(log.matches("told to set them aside").count(), 1, "{log}");
    let line = log.lines().find(|line| line.contains("told to set them aside")).unwrap();
    for part in ["WARN", "\"app\":\"shop\"", "\"provider\":\"apns\"", "environment, topics and key"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(others.contains("set it aside and check the app's environment, topics and key"), "{others}");
}
