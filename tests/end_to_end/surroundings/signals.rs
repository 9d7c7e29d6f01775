//! SIGHUP, by which a terminal says that it is closed, ends neither the gateway nor the simulator.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};

use fanfare_simulator::Simulator;

use super::{ended, fanfare, signal};
use crate::batch_command::{address, line};
use crate::harness::{SOON, TOPIC, World, good, http_get};
use crate::killed::serve_with_log;
use crate::secrets::write_config;

/// Sends SIGHUP, and waits for a line of standard error that mentions it. Later lines are still to be read.
async fn hang_up(process: &mut Child, expected: &'static str) -> Lines<BufReader<ChildStderr>> {
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    signal(process, "-HUP");
    let reading = tokio::task::spawn_blocking(move || {
        let said = lines.by_ref().map(Result::unwrap).find(|line| line.contains(expected));
        (said, lines)
    });
    let (said, lines) = tokio::time::timeout(SOON, reading).await.expect(expected).unwrap();
    assert!(said.is_some(), "{expected}");
    lines
}

#[tokio::test]
async fn the_gateway_goes_on_with_a_line_in_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    write_config(folder.path(), &simulator);
    let mut gateway = serve_with_log(folder.path(), "gateway", Stdio::piped()).await;
    let _log = hang_up(&mut gateway.process, "the configuration was read again").await;
    let ready = http_get(gateway.admin.parse().unwrap(), "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    signal(&gateway.process, "-TERM");
    assert_eq!(ended(&mut gateway.process).await.code(), Some(0));
}

#[tokio::test]
async fn the_simulator_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = fanfare();
    command.args(["simulate", "--dir"]).arg(folder.path()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut simulator = command.spawn().unwrap();
    let ready = async {
        while !folder.path().join("simulator.json").exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, ready).await.expect("the simulator is ready");
    let _said = hang_up(&mut simulator, "SIGHUP is ignored").await;
    signal(&simulator, "-TERM");
    assert_eq!(ended(&mut simulator).await.code(), Some(0));
}

/// Starts the command as `nohup` does.
#[tokio::test]
async fn a_batch_that_is_to_ignore_it_goes_on() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (pushes, results) = (folder.path().join("pushes"), folder.path().join("results.ndjson"));
    assert!(Command::new("mkfifo").arg(&pushes).status().unwrap().success());
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "bash", env!("CARGO_BIN_EXE_fanfare"), "batch"]);
    command.arg(&pushes).args(["--to", &address(&world), "--results"]).arg(&results);
    let mut batch = command.spawn().unwrap();
    let opened = tokio::task::spawn_blocking(move || std::fs::OpenOptions::new().write(true).open(pushes));
    let mut input = opened.await.unwrap().unwrap();
    let write = |input: &mut std::fs::File, number| {
        std::io::Write::write_all(input, line(&good(number), "x").as_bytes()).unwrap();
    };
    write(&mut input, 1);
    world.simulator.journal().wait_for_read(1, SOON).await.unwrap();
    signal(&batch, "-HUP");
    write(&mut input, 2);
    drop(input);
    assert_eq!(ended(&mut batch).await.code(), Some(0));
    assert_eq!(world.simulator.journal().arrived(), 2);
}
