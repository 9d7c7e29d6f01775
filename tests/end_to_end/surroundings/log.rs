//! The log goes to a full disk, to a pipe whose reader has left, and to one whose reader has stalled. Every verdict stays true,
//! an upstream that could not be reached is reached again, and SIGTERM drains.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{Outcome, PushResult, Reason, SendPushRequest};
use fanfare_simulator::{Environment, Simulator};
use tonic::transport::Channel;

use super::relay::Relay;
use super::{ended, signal};
use crate::batch_command::read;
use crate::harness::{SOON, TOPIC, good, http_get, push};
use crate::killed::{serve_by, serve_with_log};
use crate::secrets::write_config;

/// How many pushes are under way when the gateway is told to end. At level TRACE they log some megabytes.
const PUSHES: usize = 2_000;

async fn send(client: &PushServiceClient<Channel>, token: String) -> Result<PushResult, tonic::Status> {
    let request = SendPushRequest { push: Some(Box::new(push(&token))) };
    Ok(client.clone().send_push(request).await?.into_inner().result.unwrap())
}

/// Writes a configuration that sends through the relay, and does not wait long for another connect.
fn by_way_of(relay: &Relay, simulator: &Simulator, folder: &Path) {
    write_config(folder, simulator);
    let file = folder.join("fanfare.toml");
    let text = read(&file)
        .replace(&simulator.origin(Environment::Production), &format!("https://localhost:{}", relay.port))
        .replace(
            "[upstream]",
            "[upstream]\nbackoff_min = \"1ms\"\nbackoff_max = \"10ms\"\nbreaker_wait = \"1ms\"",
        );
    std::fs::write(file, text).unwrap();
}

async fn nothing_changes_with_a_log_to(log: Stdio) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    nothing_changes(command.stderr(log), folder.path()).await;
}

async fn nothing_changes(gateway: &mut Command, folder: &Path) {
    let builder = Simulator::builder().bundle_ids([TOPIC]).max_concurrent_streams(200);
    let simulator = builder.start().await.unwrap();
    let to = simulator.origin(Environment::Production);
    let port = to.rsplit(':').next().unwrap().parse().unwrap();
    let relay = Relay::start(([127, 0, 0, 1], port).into()).await;
    by_way_of(&relay, &simulator, folder);
    let mut gateway = serve_by(gateway, folder, "gateway").await;
    let client = PushServiceClient::connect(gateway.grpc.clone()).await.unwrap();

    // A connect that fails is logged.
    let failed = tokio::time::timeout(SOON, send(&client, good(PUSHES))).await.expect("a verdict").unwrap();
    assert_eq!(failed.outcome(), Outcome::UpstreamUnavailable, "{failed:?}");
    assert!(relay.cut() > 1, "the upstream was tried again: {}", relay.cut());
    relay.mend();
    let mended = async {
        loop {
            let after = send(&client, good(PUSHES)).await.unwrap();
            if after.outcome() == Outcome::Accepted {
                break;
            }
            // Until the next probe, pushes are held back.
            assert_eq!(after.reason(), Reason::BreakerOpen, "{after:?}");
        }
    };
    tokio::time::timeout(SOON, mended).await.expect("it is accepted at last");

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
            // The call came after the signal.
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

/// The log is a file that cannot grow beyond 64 KiB, as on a disk that fills up. Only a part of its last line is written.
#[tokio::test]
async fn a_log_on_a_disk_that_fills_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("gateway.log");
    let mut command = Command::new("bash");
    let limited = "trap '' XFSZ; ulimit -f 64; exec \"$@\"";
    command.args(["-c", limited, "bash", env!("CARGO_BIN_EXE_fanfare")]);
    command.stderr(std::fs::File::create(&log).unwrap());
    Box::pin(nothing_changes(&mut command, folder.path())).await;
    assert_eq!(std::fs::metadata(&log).unwrap().len(), 64 * 1024);
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

#[tokio::test]
async fn what_a_stalled_reader_missed_is_counted_and_told_when_it_reads_again() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    write_config(folder.path(), &simulator);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut gateway = serve_with_log(folder.path(), "gateway", writer.into()).await;
    let client = PushServiceClient::connect(gateway.grpc.clone()).await.unwrap();
    let admin = gateway.admin.parse().unwrap();
    let lines_are_lost = async {
        loop {
            futures_util::future::join_all((0..PUSHES).map(|number| send(&client, good(number)))).await;
            let page = http_get(admin, "/metrics").await;
            let dropped = page.lines().find_map(|line| line.strip_prefix("fanfare_log_lines_dropped_total "));
            if dropped.expect("the metric is there") != "0" {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, lines_are_lost).await.expect("the queue is full");

    let (heard, mut lines) = tokio::sync::mpsc::channel(100);
    tokio::task::spawn_blocking(move || {
        for line in BufReader::new(reader).lines() {
            let line = line.unwrap();
            let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            // If the test has failed, nobody listens any more.
            let _ = heard.blocking_send(line);
        }
    });
    // Once the dropped lines are told, the queue has room again, so none of the last lines is lost.
    let told = next_that(&mut lines, |line| line["target"] == "fanfare::log").await;
    assert!(told["fields"]["message"].as_str().unwrap().contains("lines were dropped"), "{told}");
    assert!(told["fields"]["lines"].as_u64().unwrap() > 0, "{told}");
    signal(&gateway.process, "-TERM");
    assert_eq!(ended(&mut gateway.process).await.code(), Some(0));
    next_that(&mut lines, |line| line["fields"]["message"] == "stopped").await;
}

/// Returns the next line for which this holds.
async fn next_that(
    lines: &mut tokio::sync::mpsc::Receiver<serde_json::Value>,
    holds: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    let found = async {
        loop {
            let line = lines.recv().await.expect("the log has the line");
            if holds(&line) {
                return line;
            }
        }
    };
    tokio::time::timeout(SOON, found).await.expect("the line comes")
}
