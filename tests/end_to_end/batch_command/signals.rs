//! `fanfare batch` and the signals that end it: every push in flight still gets its verdict.

use std::io::Write;
use std::process::Stdio;

use super::{Running, address, by_line, line, outcome, read};
use crate::harness::{SOON, World, good};

#[tokio::test]
async fn a_signal_ends_the_run_with_every_verdict_though_the_input_is_silent() {
    // A terminal that closes sends SIGHUP twice, by itself and by its shell.
    for signals in [&["-TERM"][..], &["-HUP", "-HUP"]] {
        ended_by(signals).await;
    }
}

async fn ended_by(signals: &[&str]) {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results.ndjson");
    // Answers are held back, so that the signal finds pushes in flight.
    world.simulator.set_answer_latency(std::time::Duration::from_millis(300));
    // A program inherits ignored signals, so under `nohup` these tests would have it ignore SIGHUP.
    let child = std::process::Command::new("env")
        .args(["--default-signal=HUP", env!("CARGO_BIN_EXE_fanfare")])
        .args(["batch", "-", "--to", &address(&world), "--results"])
        .arg(&results)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut stdin = running.0.stdin.take().unwrap();
    let lines: String = (0..100).map(|it| line(&good(it), "x")).collect();
    stdin.write_all(lines.as_bytes()).unwrap();
    world.simulator.journal().wait_for_read(100, SOON).await.unwrap();
    let pid = running.0.id().to_string();
    for signal in signals {
        assert!(std::process::Command::new("kill").args([signal, pid.as_str()]).status().unwrap().success());
    }
    let ended = tokio::task::spawn_blocking(move || running.0.wait().unwrap());
    let status = tokio::time::timeout(SOON, ended).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(3));
    drop(stdin);
    let lines = by_line(&read(&results));
    assert_eq!(lines.len(), 100);
    assert!(lines.values().all(|result| outcome(result) == "ACCEPTED"));
}
