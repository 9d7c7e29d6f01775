//! `fanfare batch` killed and run again: pushes that were in flight are in doubt, and are never forgotten.

use std::process::{Command, Stdio};
use std::time::Duration;

use fanfare_simulator::Simulator;
use serde_json::{Value, json};

use super::files::{Files, deliveries, last};
use super::{Running, address, batch, line, outcome, read};
use crate::harness::{SOON, TOPIC, World, good, until};
use crate::killed::serve;
use crate::secrets::write_config;

#[tokio::test]
async fn a_killed_run_leaves_in_doubt_what_was_in_flight_and_the_next_calls_it_so() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    const LINES: usize = 3_000;
    files.write((0..LINES).map(|n| line(&good(n), "x")));
    let to = address(&world);
    for killed_at in [500, 1500] {
        world.simulator.set_answer_latency(Duration::from_millis(100));
        let child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["batch", files.pushes(), "--to", &to, "--results", files.results(), "--in-flight", "300"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut running = Running(child);
        world.simulator.journal().wait_for_read(killed_at, SOON).await.unwrap();
        running.0.kill().unwrap();
        running.0.wait().unwrap();
        assert!(files.journal().exists());
    }
    world.simulator.set_answer_latency(Duration::ZERO);
    let args = [files.pushes(), "--to", &to, "--results", files.results()];
    let ran = batch(args).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let (verdicts, times) = (last(&files.results), deliveries(&world.simulator));
    assert_eq!(verdicts.len(), LINES);
    let in_doubt = verdicts.values().filter(|it| outcome(it) == "UNCONFIRMED").count();
    assert_eq!(verdicts.values().filter(|it| outcome(it) == "ACCEPTED").count(), LINES - in_doubt);
    // The two windows of pushes in flight, and as many verdicts that were on their way to the file.
    assert!(in_doubt > 0 && in_doubt <= 1200, "{in_doubt}");
    assert!(times.values().all(|times| *times == 1), "something was sent twice");
    assert!(times.len() >= LINES - in_doubt);
    assert_eq!(batch(args).await.code, Some(1));
    assert_eq!(deliveries(&world.simulator), times);

    // If a duplicate does no harm they are sent again, and those that were accepted stay so.
    let repeated = batch([files.pushes(), "--to", &to, "--results", files.results(), "--repeatable"]).await;
    assert_eq!(repeated.code, Some(0), "{}", repeated.stderr);
    assert!(last(&files.results).values().all(|it| outcome(it) == "ACCEPTED"));
    assert_eq!(deliveries(&world.simulator).len(), LINES);
}

#[tokio::test]
async fn client_and_gateway_may_be_killed_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    simulator.set_answer_latency(Duration::from_millis(50));
    write_config(folder.path(), &simulator);
    let files = Files::new("pushes.ndjson");
    const LINES: usize = 4_000;
    files.write((0..LINES).map(|n| line(&good(n), "x")));
    for round in 0..4_u64 {
        let gateway = serve(folder.path(), &format!("gateway-{round}")).await;
        let child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["batch", files.pushes(), "--to", &gateway.grpc, "--results", files.results()])
            .args(["--in-flight", "300", "--streams", "2", "--reconnect-for", "20s"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let running = Running(child);
        simulator.journal().wait_for_read((round + 1) * 500, SOON).await.unwrap();
        // Each is killed when it is dropped. Which one goes first changes from round to round.
        if round % 2 == 0 {
            drop((gateway, running));
        } else {
            drop((running, gateway));
        }
    }
    let gateway = serve(folder.path(), "last").await;
    let ran = batch([files.pushes(), "--to", &gateway.grpc, "--results", files.results()]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let verdicts = last(&files.results);
    assert_eq!(verdicts.len(), LINES);
    assert!(verdicts.values().all(|it| matches!(outcome(it), "ACCEPTED" | "UNCONFIRMED")));
    let times = deliveries(&simulator);
    assert!(times.values().all(|times| *times == 1), "something was sent twice");
    for result in verdicts.values().filter(|it| outcome(it) == "ACCEPTED") {
        let token = good(usize::try_from(result["line"].as_u64().unwrap() - 1).unwrap());
        assert_eq!(times.get(&token), Some(&1), "{result}");
    }
}

#[tokio::test]
async fn a_dry_run_that_is_killed_leaves_nothing_in_doubt() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    files.write((0..200).map(|n| line(&good(n), "x")));
    let to = address(&world);
    // At this rate the run takes two seconds, so it is killed before its end.
    let child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args([
            "batch",
            files.pushes(),
            "--to",
            &to,
            "--results",
            files.results(),
            "--dry-run",
            "--rate",
            "100",
        ])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    until(|| files.results.exists() && read(&files.results).lines().count() >= 20).await;
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    let ran = batch([files.pushes(), "--to", &to, "--results", files.results()]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(last(&files.results).values().all(|it| outcome(it) == "ACCEPTED"));
    assert_eq!(world.simulator.journal().arrived(), 200);
}

#[tokio::test]
async fn a_journal_whose_results_are_gone_is_not_taken_for_theirs() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    files.write((0..10).map(|n| line(&good(n), "x")));
    let to = address(&world);
    let args = [files.pushes(), "--to", &to, "--results", files.results()];
    assert_eq!(batch(args).await.code, Some(0));
    // A run that was killed before it sent anything leaves such a journal.
    let written = read(&files.results);
    let content: Value = serde_json::from_str(written.lines().next().unwrap()).unwrap();
    let begun = json!({"run": {"content": content["content"], "results": written.len()}});
    std::fs::write(files.journal(), format!("{begun}\n")).unwrap();
    std::fs::remove_file(&files.results).unwrap();
    let ran = batch(args).await;
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("the verdicts of earlier runs are missing"), "{}", ran.stderr);
    assert_eq!(world.simulator.journal().arrived(), 10);
    std::fs::write(&files.results, written).unwrap();
    assert_eq!(batch(args).await.code, Some(0));
    assert_eq!(world.simulator.journal().arrived(), 10);
}

#[tokio::test]
async fn the_journal_is_beside_the_results_by_whichever_name_they_are_given() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    files.write((0..100).map(|n| line(&good(n), "x")));
    std::fs::write(&files.results, "").unwrap();
    let link = files.results.with_file_name("latest.ndjson");
    std::os::unix::fs::symlink(&files.results, &link).unwrap();
    world.simulator.set_answer_latency(Duration::from_secs(60));
    let to = address(&world);
    let child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args(["batch", files.pushes(), "--to", &to, "--results", link.to_str().unwrap()])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    world.simulator.journal().wait_for_read(1, SOON).await.unwrap();
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    world.simulator.set_answer_latency(Duration::ZERO);
    let ran = batch([files.pushes(), "--to", &to, "--results", files.results()]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(last(&files.results).values().any(|it| outcome(it) == "UNCONFIRMED"));
    assert!(deliveries(&world.simulator).values().all(|times| *times == 1), "something was sent twice");
}

#[tokio::test]
async fn a_run_that_reads_nothing_leaves_nothing() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    let to = address(&world);
    let ran = batch([files.pushes(), "--to", &to, "--results", files.results()]).await;
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(!files.journal().exists(), "a later run of another content would be refused");
    assert!(!files.results.exists());
}
