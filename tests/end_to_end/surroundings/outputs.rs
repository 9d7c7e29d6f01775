//! Standard output and standard error that are closed or full: no command panics, and each exits as its help says.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::{ended, fanfare, run, said, signal};
use crate::batch_command::{address, line};
use crate::config::folder;
use crate::harness::{APP, SOON, World, good};

/// An output that cannot be written.
#[derive(Debug, Clone, Copy)]
enum Gone {
    /// It is a pipe whose reader has left.
    Closed,
    /// It is on a full disk.
    Full,
}

impl From<Gone> for Stdio {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Closed => std::io::pipe().unwrap().1.into(),
            Gone::Full => OpenOptions::new().write(true).open("/dev/full").unwrap().into(),
        }
    }
}

/// Runs a command with each output that cannot be written, and once without standard error too. Its exit code must be the
/// same, and standard error, if it is there, must show no panic.
async fn each_way(command: impl Fn() -> Command, code: i32, expected: &str) {
    for gone in [Gone::Closed, Gone::Full] {
        let mut without_output = command();
        without_output.stdout(gone).stderr(Stdio::piped());
        let ran = run(without_output).await;
        assert_eq!(ran.status.code(), Some(code), "{gone:?}: {}", said(&ran));
        assert!(
            said(&ran).contains(expected) && !said(&ran).contains("panicked"),
            "{gone:?}: {}",
            said(&ran)
        );
        let mut with_neither = command();
        with_neither.stdout(gone).stderr(gone);
        let ran: Output = run(with_neither).await;
        assert_eq!(ran.status.code(), Some(code), "neither, {gone:?}");
    }
}

#[tokio::test]
async fn send_exits_by_its_verdict() {
    let world = World::start().await;
    let send = |token: &'static str| {
        let to = address(&world);
        move || {
            let mut command = fanfare();
            command.args(["send", "--to", &to, "--app", APP, "--apns", token, "--title", "Hello"]);
            command
        }
    };
    each_way(send("900d0001"), 0, "cannot write to standard output").await;
    each_way(send("900d0001"), 0, "the verdict is OUTCOME_ACCEPTED").await;
    each_way(send("dead0001"), 1, "the verdict is OUTCOME_UNREGISTERED").await;
}

#[tokio::test]
async fn check_exits_by_what_it_found() {
    let folder = folder().await;
    let check = |file: &Path| {
        let file = file.to_owned();
        move || super::check(&file)
    };
    let file = folder.path().join("fanfare.toml");
    each_way(check(&file), 0, "").await;
    std::fs::remove_file(folder.path().join("news.key")).unwrap();
    each_way(check(&file), 1, "news.key: cannot be read").await;
}

#[tokio::test]
async fn texts_are_cut_off_in_silence_and_are_a_failure_on_a_full_disk() {
    for args in [
        &["--help"][..],
        &["--version"],
        &["serve", "--help"],
        &["batch", "-h"],
        &["completions", "bash"],
        &["man"],
    ] {
        for (gone, code, expected) in
            [(Gone::Closed, 0, ""), (Gone::Full, 2, "cannot write to standard output")]
        {
            let mut command = fanfare();
            command.args(args).stdout(gone).stderr(Stdio::piped());
            let ran = run(command).await;
            assert_eq!(ran.status.code(), Some(code), "{args:?}, {gone:?}: {}", said(&ran));
            assert!(said(&ran).contains(expected), "{args:?}, {gone:?}: {}", said(&ran));
            assert!(said(&ran).is_empty() == expected.is_empty(), "{args:?}, {gone:?}: {}", said(&ran));
        }
    }
}

#[tokio::test]
async fn keys_that_nobody_gets_are_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vapid.pem");
    let make = || {
        let _ = std::fs::remove_file(&file);
        let mut command = fanfare();
        command.arg("vapid-key").arg(&file);
        command
    };
    each_way(make, 2, "the key is made; --show").await;
    let show = || {
        let mut command = fanfare();
        command.args(["vapid-key", "--show"]).arg(&file);
        command
    };
    each_way(show, 2, "cannot write to standard output").await;
}

#[tokio::test]
async fn batch_breaks_off_where_results_cannot_be_written_and_says_so() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let pushes = folder.path().join("pushes.ndjson");
    std::fs::write(&pushes, (0..100).map(|it| line(&good(it), "x")).collect::<String>()).unwrap();
    let batch = |results: &'static str| {
        let (to, pushes) = (address(&world), pushes.clone());
        move || {
            let mut command = fanfare();
            command.arg("batch").arg(&pushes).args(["--to", &to, "--results", results]);
            command
        }
    };
    each_way(batch("-"), 3, "cannot write results").await;
    each_way(batch("/dev/full"), 3, "cannot write results").await;
    // If the results are a file, nothing goes to standard output.
    let file = folder.path().join("results.ndjson").to_str().unwrap().to_owned();
    each_way(batch(Box::leak(file.into_boxed_str())), 0, " pushes/s").await;
}

#[tokio::test]
async fn the_demo_checks_itself_and_the_simulator_serves_all_the_same() {
    let demo = || {
        let mut command = fanfare();
        command.args(["demo", "--breaking", "0", "--pushes", "100", "--singles", "10"]);
        command
    };
    each_way(demo, 0, "").await;
    for gone in [Gone::Closed, Gone::Full] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = fanfare();
        command.args(["simulate", "--dir"]).arg(folder.path()).stdout(gone).stderr(gone);
        let mut simulator = command.spawn().unwrap();
        let ready = async {
            while !folder.path().join("simulator.json").exists() {
                assert!(simulator.try_wait().unwrap().is_none(), "{gone:?}");
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, ready).await.expect("the simulator is ready");
        signal(&simulator, "-TERM");
        assert_eq!(ended(&mut simulator).await.code(), Some(0), "{gone:?}");
    }
}

#[test]
fn the_command_line_explains_itself() {
    for command in [
        "init",
        "serve",
        "check",
        "send",
        "batch",
        "top",
        "caller-key",
        "vapid-key",
        "simulate",
        "demo",
        "completions",
        "man",
    ] {
        let output = fanfare().args([command, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && help.contains("fanfare "), "{command}: {help}");
        assert!(help.contains("Example"), "{command} has no example: {help}");
    }
    let refused = fanfare().args(["send", "--to", "http://127.0.0.1:1"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}
