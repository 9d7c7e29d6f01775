//! A key that APNs does not know, under load: who hears it, how many requests are made, and what the log says.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{self, Outcome, SendBatchRequest, SendPushRequest};
use fanfare_simulator::Simulator;
use tonic::transport::Channel;

use super::{A_HANDFUL, label, refused_by_apns};
use crate::batch_command::read;
use crate::harness::{SOON, TOPIC, figure, good, http_get, push};
use crate::killed::serve_with_log;
use crate::secrets::write_config;
use crate::surroundings::{ended, signal};

/// How many pushes are sent at once, each by a call of its own.
const UNARY: usize = 2_000;
/// How many pushes a batch has.
const BATCH: usize = 100_000;
/// How many pushes a message of it has.
const IN_A_MESSAGE: usize = 1_000;

async fn send(client: &PushServiceClient<Channel>, token: String) -> proto::PushResult {
    let request = SendPushRequest { push: Some(Box::new(push(&token))) };
    client.clone().send_push(request).await.unwrap().into_inner().result.unwrap()
}

/// Sends a batch, and returns what each of its pushes was told.
async fn batch(client: &PushServiceClient<Channel>) -> Vec<proto::PushResult> {
    let messages = (0..BATCH / IN_A_MESSAGE).map(|message| {
        let tokens = (message * IN_A_MESSAGE..).take(IN_A_MESSAGE);
        let pushes = tokens.map(|number| push(&good(number))).collect();
        SendBatchRequest { pushes, ..SendBatchRequest::default() }
    });
    let stream = tokio_stream::iter(messages.collect::<Vec<_>>());
    let mut from = client.clone().send_batch(stream).await.unwrap().into_inner();
    let mut results = Vec::new();
    while let Some(message) = from.message().await.unwrap() {
        results.extend(message.results);
    }
    results
}

#[tokio::test]
async fn all_hear_that_the_key_is_refused_and_apns_is_asked_a_handful_of_times() {
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    simulator.set_answer_latency(Duration::from_millis(50));
    let key = simulator.provider_key().clone();
    simulator.revoke_provider_key(&key.key_id);
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), &simulator);
    let file = folder.path().join("fanfare.toml");
    std::fs::write(&file, read(&file).replace("fanfare=trace,info", "info")).unwrap();
    let mut gateway = serve_with_log(folder.path(), "gateway", Stdio::piped()).await;
    let mut stderr = gateway.process.stderr.take().unwrap();
    let log = tokio::task::spawn_blocking(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        log
    });
    let client = PushServiceClient::connect(gateway.grpc.clone()).await.unwrap();

    let begun = Instant::now();
    let unary = futures_util::future::join_all((0..UNARY).map(|number| send(&client, good(number)))).await;
    let (took, asked) = (begun.elapsed(), simulator.journal().entries().len());
    figure(&format!(
        "a refused key, {UNARY} SendPush at once: {asked} requests to APNs, all told in {took:?}"
    ));
    let begun = Instant::now();
    let batched = batch(&client).await;
    let (took, asked) = (begun.elapsed(), simulator.journal().entries().len() - asked);
    figure(&format!("a refused key, a batch of {BATCH}: {asked} requests to APNs, all told in {took:?}"));
    assert_eq!((unary.len(), batched.len()), (UNARY, BATCH));
    for result in unary.iter().chain(&batched) {
        refused_by_apns(result, 403, "InvalidProviderToken");
        let is_named = result.detail.contains(&key.key_id) && result.detail.contains(&key.team_id);
        assert!(is_named || result.attempts == 1, "{result:?}");
    }
    let asked = simulator.journal().entries().len();
    assert!((2..=A_HANDFUL).contains(&asked), "{asked} requests reached APNs");

    let admin = gateway.admin.parse().unwrap();
    let page = http_get(admin, "/metrics").await;
    let labels = format!(r#"{{credential="{}",place="apns production"}}"#, label(&key));
    let not_sent = UNARY + BATCH - asked;
    for line in [
        format!("fanfare_credential_refused{labels} 1"),
        format!("fanfare_credential_refused_pushes_total{labels} {not_sent}"),
    ] {
        assert!(page.lines().any(|it| it == line), "{line}\n{page}");
    }
    let ready = http_get(admin, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200") && ready.contains("app shop"), "{ready}");

    simulator.restore_provider_key(&key.key_id);
    let taken = async { while send(&client, good(UNARY)).await.outcome() != Outcome::Accepted {} };
    tokio::time::timeout(4 * SOON, taken).await.expect("the key is taken again");
    let later = futures_util::future::join_all((0..100).map(|number| send(&client, good(number)))).await;
    assert!(later.iter().all(|result| result.outcome() == Outcome::Accepted), "{later:?}");

    signal(&gateway.process, "-TERM");
    ended(&mut gateway.process).await;
    let log = log.await.unwrap();
    let lines = |level: &str| -> Vec<_> {
        let level = format!("\"level\":\"{level}\"");
        log.lines().filter(|line| line.contains(&level)).map(str::to_owned).collect()
    };
    let errors = lines("ERROR");
    assert_eq!(errors.len(), 1, "{errors:?}");
    for word in [key.key_id.as_str(), &key.team_id, "apns production", "InvalidProviderToken", "\"apps\":1"] {
        assert!(errors[0].contains(word), "{word}: {}", errors[0]);
    }
    let opened = lines("INFO").into_iter().filter(|line| line.contains("taken again")).count();
    assert_eq!(opened, 1, "{log}");
}
