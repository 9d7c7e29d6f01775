//! `fanfare simulate`, `serve` and `send` as they are typed: three processes, all services.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::batch_command::{outcome, read};
use crate::harness::SOON;
use crate::killed::serve;

/// The simulator's process; ended with the test.
struct Simulating(Child);

impl Drop for Simulating {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn simulate(folder: &Path) -> Simulating {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.args(["simulate", "--dir"]).arg(folder).stdout(Stdio::null());
    let simulating = Simulating(command.spawn().unwrap());
    let written = async {
        while !folder.join("simulator.json").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, written).await.expect("the simulator is ready");
    // The configuration as it was written, but for the ports, which another gateway may have.
    let config = folder.join("fanfare.toml");
    let ports = "[grpc]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n";
    std::fs::write(&config, format!("{ports}{}", read(&config))).unwrap();
    simulating
}

async fn send(args: &[&str]) -> Output {
    let args: Vec<_> = args.iter().map(|&arg| arg.to_owned()).collect();
    let run = tokio::task::spawn_blocking(move || {
        let mut command = assert_cmd::Command::cargo_bin("fanfare").unwrap();
        command.arg("send").args(args).timeout(SOON).output().unwrap()
    });
    run.await.unwrap()
}

#[tokio::test]
async fn what_simulate_writes_serves_pushes_to_every_service_by_one_flag() {
    let folder = tempfile::tempdir().unwrap();
    let _simulating = simulate(folder.path()).await;
    let gateway = serve(folder.path(), "gateway").await;
    let subscription = |name: &str| {
        let file = folder.path().join("subscriptions").join(name).with_extension("json");
        file.to_str().unwrap().to_owned()
    };
    let (browser, left) = (subscription("mozilla-good"), subscription("apple-gone"));
    for (flag, provider, good, dead) in [
        ("--apns", "APNS", "900d0001", "dead0001"),
        ("--fcm", "FCM", "ok:1", "unregistered:1"),
        ("--mattermost", "MATTERMOST", "apple_rn:900d0001", "apple_rn:dead0001"),
        ("--web-push", "WEB_PUSH", browser.as_str(), left.as_str()),
    ] {
        for (token, expected, code) in [(good, "ACCEPTED", 0), (dead, "UNREGISTERED", 1)] {
            let told = send(&["--to", &gateway.grpc, "--app", "demo", flag, token, "--title", "Hello"]).await;
            assert_eq!(told.status.code(), Some(code), "{flag} {told:?}");
            let result: Value = serde_json::from_slice(&told.stdout).unwrap();
            assert_eq!(outcome(&result), expected, "{flag} {result}");
            assert_eq!(result["provider"], format!("PROVIDER_{provider}"));
        }
    }
}

#[tokio::test]
async fn a_push_has_one_target_and_flags_that_fit_it() {
    for (args, expected) in [
        (&["--app", "demo", "--title", "Hello"][..], "--fcm <TOKEN>"),
        (&["--app", "demo", "--apns", "900d", "--fcm", "ok:1"], "cannot be used with"),
        (&["--app", "demo", "--json", "-"], "cannot be used with"),
        (&["--fcm", "ok:1"], "--app"),
        (&["--app", "demo", "--fcm", "ok:1", "--topic", "com.example.app"], "they need --apns"),
    ] {
        let refused = send(args).await;
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}
