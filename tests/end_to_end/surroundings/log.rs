//! The log goes to a full disk, to a pipe that nobody reads any more, and to one that nobody reads at all: every verdict
//! stays true, an upstream that could not be reached is reached again, and SIGTERM drains.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{Outcome, PushResult, SendPushRequest};
use fanfare::simulator::{Environment, Simulator};
use tonic::transport::Channel;

use super::relay::Relay;
use super::{ended, signal};
use crate::batch_command::read;
use crate::harness::{SOON, TOPIC, good, push};
use crate::killed::serve_with_log;
use crate::secrets::write_config;

/// Pushes under way when the gateway is told to end: at TRACE they log some megabytes.
const PUSHES: usize = 2_000;

async fn send(client: &PushServiceClient<Channel>, token: String) -> Result<PushResult, tonic::Status> {
    let request = SendPushRequest { push: Some(Box::new(push(&token))) };
    Ok(client.clone().send_push(request).await?.into_inner().result.unwrap())
}

/// The configuration sends by way of the relay, and does not wait long for another connect.
fn by_way_of(relay: &Relay, simulator: &Simulator, folder: &Path) {
    write_config(folder, simulator);
    let file = folder.join("fanfare.toml");
    let text = read(&file)
        .replace(&simulator.origin(Environment::Production), &format!("https://localhost:{}", relay.port))
        .replace("[upstream]", "[upstream]\nbackoff_min = \"1ms\"\nbackoff_max = \"10ms\"");
    std::fs::write(file, text).unwrap();
}

async fn nothing_changes_with_a_log_to(log: Stdio) {
    let folder = tempfile::tempdir().unwrap();
    let builder = Simulator::builder().bundle_ids([TOPIC]).max_concurrent_streams(200);
    let simulator = builder.start().await.unwrap();
    let to = simulator.origin(Environment::Production);
    let port = to.rsplit(':').next().unwrap().parse().unwrap();
    let relay = Relay::start(([127, 0, 0, 1], port).into()).await;
    by_way_of(&relay, &simulator, folder.path());
    let mut gateway = serve_with_log(folder.path(), "gateway", log).await;
    let client = PushServiceClient::connect(gateway.grpc.clone()).await.unwrap();

    // A connect that fails is logged.
    let failed = tokio::time::timeout(SOON, send(&client, good(PUSHES))).await.expect("a verdict").unwrap();
    assert_eq!(failed.outcome(), Outcome::UpstreamUnavailable, "{failed:?}");
    assert!(relay.cut() > 1, "the upstream was tried again: {}", relay.cut());
    relay.mend();
    let after = tokio::time::timeout(SOON, send(&client, good(PUSHES))).await.expect("a verdict").unwrap();
    assert_eq!(after.outcome(), Outcome::Accepted, "{after:?}");

    simulator.set_answer_latency(Duration::from_millis(50));
    let calls = futures_util::future::join_all((0..PUSHES).map(|number| send(&client, good(number))));
    let told_to_end = async {
        simulator.journal().wait_for_read(PUSHES as u64 / 2, SOON).await.unwrap();
        signal(&gateway.process, "-TERM");
    };
    let both = async { tokio::join!(calls, told_to_end) };
    let (results, ()) = tokio::time::timeout(SOON, both).await.expect("every call ends");
    let status = ended(&mut gateway.process).await;
    assert_eq!(status.code(), Some(0), "{status:?}");
    let mut accepted = 0;
    for (number, result) in results.into_iter().enumerate() {
        let arrived = simulator.journal().by_device_token(&good(number)).len();
        match result {
            Ok(result) => {
                assert_eq!((result.outcome(), arrived), (Outcome::Accepted, 1), "{result:?}");
                accepted += 1;
            }
            // It came after the signal.
            Err(status) => assert_eq!(arrived, 0, "{status:?}"),
        }
    }
    assert!(accepted >= PUSHES / 2, "{accepted}");
}

#[tokio::test]
async fn a_log_on_a_full_disk_changes_nothing() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    Box::pin(nothing_changes_with_a_log_to(full.into())).await;
}

#[tokio::test]
async fn a_log_to_a_dead_reader_changes_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Box::pin(nothing_changes_with_a_log_to(writer.into())).await;
}

#[tokio::test]
async fn a_log_to_a_stalled_reader_changes_nothing() {
    let (_never_read, writer) = std::io::pipe().unwrap();
    Box::pin(nothing_changes_with_a_log_to(writer.into())).await;
}
