//! `fanfare batch` on a full disk: the sending ends before a verdict is lost.

use std::process::Command;

use super::files::{Files, deliveries, last};
use super::{address, batch, line, outcome};
use crate::harness::{SOON, World, good};

/// Runs the command under a limit of so many KiB for each file. Beyond it writes fail as on a full disk, and no other program
/// of the machine is harmed.
async fn batch_on_a_full_disk(kibibytes: u32, files: &Files, to: &str) -> (Option<i32>, String) {
    let script =
        format!(r#"trap '' XFSZ; ulimit -f {kibibytes}; exec "$0" batch "$1" --to "$2" --results "$3""#);
    let args = [env!("CARGO_BIN_EXE_fanfare"), files.pushes(), to, files.results()].map(str::to_owned);
    let run = move || Command::new("bash").arg("-c").arg(script).args(args).output().unwrap();
    let output = tokio::time::timeout(SOON, tokio::task::spawn_blocking(run)).await.unwrap().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn a_full_disk_is_noticed_before_anything_is_sent() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    files.write((0..100).map(|n| line(&good(n), "x")));
    let (code, stderr) = batch_on_a_full_disk(0, &files, &address(&world)).await;
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("cannot write the journal") && stderr.contains("nothing was sent"), "{stderr}");
    assert_eq!(world.simulator.journal().arrived(), 0);
}

#[tokio::test]
async fn a_disk_that_fills_up_stops_the_run_and_nothing_is_sent_twice() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    const LINES: usize = 2_000;
    files.write((0..LINES).map(|n| line(&good(n), "x")));
    let to = address(&world);
    let (code, stderr) = batch_on_a_full_disk(64, &files, &to).await;
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("cannot write results"), "{stderr}");
    let ran = batch([files.pushes(), "--to", &to, "--results", files.results()]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let verdicts = last(&files.results);
    assert_eq!(verdicts.len(), LINES);
    assert!(verdicts.values().all(|it| matches!(outcome(it), "ACCEPTED" | "UNCONFIRMED")));
    assert!(deliveries(&world.simulator).values().all(|times| *times == 1), "something was sent twice");
}
