//! A gateway is ended while a batch runs over ten streams: what the caller is told, and what the next gateway gets.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fanfare_simulator::Simulator;

use crate::batch_command::{Ran, batch, by_line, line, outcome, read};
use crate::harness::{SOON, TOPIC, good, until};
use crate::secrets::write_config;

const LINES: usize = 6_000;

/// A gateway in a process of its own, which ends with the test.
pub(crate) struct Serving {
    pub(crate) process: Child,
    pub(crate) grpc: String,
    pub(crate) admin: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) async fn serve(folder: &Path, name: &str) -> Serving {
    serve_with_log(folder, name, Stdio::null()).await
}

pub(crate) async fn serve_with_log(folder: &Path, name: &str, log: Stdio) -> Serving {
    serve_by(Command::new(env!("CARGO_BIN_EXE_fanfare")).stderr(log), folder, name).await
}

/// Starts a gateway. The command is its binary, or a shell that becomes it.
pub(crate) async fn serve_by(command: &mut Command, folder: &Path, name: &str) -> Serving {
    let ready = folder.join(format!("{name}.json"));
    let process = command
        .args(["serve", "--config"])
        .arg(folder.join("fanfare.toml"))
        .arg("--ready-file")
        .arg(&ready)
        .spawn()
        .unwrap();
    let mut serving = Serving { process, grpc: String::new(), admin: String::new() };
    until(|| ready.exists()).await;
    let addresses: serde_json::Value = serde_json::from_str(&read(&ready)).unwrap();
    addresses["admin"].as_str().unwrap().clone_into(&mut serving.admin);
    serving.grpc = format!("http://{}", addresses["grpc"].as_str().unwrap());
    serving
}

/// Streams pushes through the first of two gateways, and ends it with this signal when some have arrived. Returns the
/// outcomes by line, and how often each push may have been delivered.
async fn ended_by(signal: &str) -> (Ran, BTreeMap<u64, String>, BTreeMap<u64, u64>) {
    let folder = tempfile::tempdir().unwrap();
    let simulator =
        Simulator::builder().bundle_ids([TOPIC]).max_concurrent_streams(100).start().await.unwrap();
    simulator.set_answer_latency(Duration::from_millis(20));
    write_config(folder.path(), &simulator);
    let first = serve(folder.path(), "first").await;
    let second = serve(folder.path(), "second").await;

    let (file, results) = (folder.path().join("pushes.ndjson"), folder.path().join("results.ndjson"));
    std::fs::write(&file, (0..LINES).map(|it| line(&good(it), "x")).collect::<String>()).unwrap();
    let to = format!("{},{}", first.grpc, second.grpc);
    let run = {
        let (file, results) = (file.to_str().unwrap().to_owned(), results.to_str().unwrap().to_owned());
        tokio::spawn(
            async move { batch([&file, "--to", &to, "--results", &results, "--streams", "10"]).await },
        )
    };
    simulator.journal().wait_for_read(500, SOON).await.unwrap();
    let pid = first.process.id().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    let ran = run.await.unwrap();

    let outcomes = by_line(&read(&results)).into_iter().map(|(line, it)| (line, outcome(&it).to_owned()));
    let mut delivered = BTreeMap::new();
    for entry in simulator.journal().entries().iter().filter(|entry| entry.may_be_delivered()) {
        let number = u64::from_str_radix(&entry.device_token().unwrap()[4..], 16).unwrap();
        // Lines are numbered from 1.
        *delivered.entry(number + 1).or_default() += 1;
    }
    (ran, outcomes.collect(), delivered)
}

#[tokio::test]
async fn a_gateway_that_is_told_to_end_loses_nothing_and_leaves_nothing_in_doubt() {
    let (ran, outcomes, delivered) = ended_by("-TERM").await;
    assert_eq!(outcomes.len(), LINES, "{}", ran.stderr);
    for (line, outcome) in &outcomes {
        assert_eq!((outcome.as_str(), delivered.get(line)), ("ACCEPTED", Some(&1)), "line {line}");
    }
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[tokio::test]
async fn a_gateway_that_is_killed_leaves_in_doubt_only_what_is_called_so() {
    let (ran, outcomes, delivered) = ended_by("-KILL").await;
    assert_eq!(outcomes.len(), LINES, "{}", ran.stderr);
    let mut in_doubt = 0;
    for (line, outcome) in &outcomes {
        let times = delivered.get(line).copied().unwrap_or(0);
        if outcome == "UNCONFIRMED" {
            in_doubt += 1;
            assert!(times <= 1, "line {line} arrived {times} times");
        } else {
            assert_eq!((outcome.as_str(), times), ("ACCEPTED", 1), "line {line}");
        }
    }
    assert!(in_doubt > 0 && in_doubt < LINES, "{in_doubt}");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
}
