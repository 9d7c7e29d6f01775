//! `fanfare simulate`, `serve` and `send`, run as a user types them, for all push services.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::batch_command::{outcome, read};
use crate::harness::{SOON, until};
use crate::killed::serve;

/// The simulator's process, which ends with the test.
struct Simulating(Child);

impl Drop for Simulating {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn simulate(folder: &Path) -> Simulating {
    simulate_with(folder, &[]).await
}

async fn simulate_with(folder: &Path, args: &[&str]) -> Simulating {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.args(["simulate", "--dir"]).arg(folder).args(args).stdout(Stdio::null());
    let simulating = Simulating(command.spawn().unwrap());
    until(|| folder.join("simulator.json").exists()).await;
    // Only the ports of the configuration are changed, because another gateway may have them.
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
    let mut check = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    let checked = check.args(["check", "--config"]).arg(folder.path().join("fanfare.toml")).output().unwrap();
    assert!(
        checked.status.success() && checked.stderr.is_empty(),
        "nobody is warned of its keys: {checked:?}"
    );
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

fn facts(folder: &Path) -> Value {
    serde_json::from_str(&read(&folder.join("simulator.json"))).unwrap()
}

/// Sends a GET over HTTP/1.1, and reads until the connection ends.
async fn get(origin: &Value, path: &str) -> String {
    let address = origin.as_str().unwrap().strip_prefix("http://").unwrap();
    let mut tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut told = String::new();
    tokio::time::timeout(SOON, tcp.read_to_string(&mut told)).await.expect("an answer").unwrap();
    told
}

#[tokio::test]
async fn sigterm_lets_what_is_under_way_be_answered_and_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--fault", "delay:300ms@service:google_metadata", "--quiet"];
    let mut simulating = simulate_with(folder.path(), &args).await;
    let facts = facts(folder.path());
    let asking = get(&facts["fcm"]["metadata"], "/");
    let stopping = async {
        let arrived = get(&facts["control"], "/v1/journal?wait=1&stage=read").await;
        assert!(arrived.contains("\"reached\":true"), "{arrived}");
        let pid = simulating.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    };
    let (told, ()) = tokio::join!(asking, stopping);
    assert!(told.starts_with("HTTP/1.1 200") && told.contains("computeMetadata/"), "{told}");
    let ended = tokio::task::spawn_blocking(move || simulating.0.wait().unwrap());
    assert_eq!(tokio::time::timeout(SOON, ended).await.expect("it ends").unwrap().code(), Some(0));
}

#[tokio::test]
async fn names_channels_faults_and_a_client_certificate_are_what_the_flags_say() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "--san",
        "fcm.test",
        "--san",
        "192.0.2.1",
        "--channel",
        "dHN0LXNyY2gtY2hubA==",
        "--fault",
        "silence",
    ];
    let _simulating = simulate_with(folder.path(), &args).await;
    let facts = facts(folder.path());
    assert_eq!(facts["channels"][0]["channel_id"], "dHN0LXNyY2gtY2hubA==");
    assert!(get(&facts["control"], "/v1/channels").await.contains("dHN0LXNyY2gtY2hubA=="));
    assert!(get(&facts["control"], "/v1/faults").await.contains("silence"));
    for name in ["client.pem", "client-key.pem"] {
        assert!(read(&folder.path().join(name)).starts_with("-----BEGIN "), "{name}");
    }
}

#[tokio::test]
async fn a_flag_that_is_no_rule_or_channel_is_told_what_may_stand_there() {
    for (flag, value, expected) in [
        ("--fault", "silent", "fault: unknown variant `silent`, expected one of"),
        ("--fault", "delay:2s@request:soon", "when.request: invalid type: string \"soon\", expected u64"),
        ("--channel", "?", "a channel id is base64"),
        ("--streams-rise", "later", "expected before-answer or after-answer"),
    ] {
        let mut command = assert_cmd::Command::cargo_bin("fanfare").unwrap();
        let refused = command.args(["simulate", "--dir", "never", flag, value]).output().unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(2) && said.contains(expected), "{flag} {value}: {said}");
    }
}
