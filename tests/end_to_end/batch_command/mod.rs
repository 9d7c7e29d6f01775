//! `fanfare batch`: the binary itself runs against a gateway and the simulator.

mod breaks;
mod edits;
mod files;
mod full_disk;
mod input;
mod kills;
mod retries;
mod signals;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Child;

use serde_json::{Value, json};

use crate::harness::{APP, SOON, World, good};

/// The exit code and the outputs of a run.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `fanfare batch` to its end, within a bound.
pub(crate) async fn batch<const N: usize>(args: [&str; N]) -> Ran {
    let args = args.map(str::to_owned);
    let run = tokio::task::spawn_blocking(move || {
        let mut command = assert_cmd::Command::cargo_bin("fanfare").unwrap();
        command.arg("batch").args(args).timeout(SOON * 2).output().unwrap()
    });
    let output = run.await.unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn address(world: &World) -> String {
    format!("http://{}", world.gateway.grpc_address())
}

/// A line with a push to a device.
pub(crate) fn line(token: &str, body: &str) -> String {
    let content = json!({"notification": {"body": body}});
    let push = json!({"app": APP, "target": {"apns": {"token": token}}, "content": content});
    format!("{push}\n")
}

/// The results by line. Each line must have exactly one.
pub(crate) fn by_line(results: &str) -> BTreeMap<u64, Value> {
    let mut lines = BTreeMap::new();
    for text in results.lines() {
        let result: Value = serde_json::from_str(text).unwrap();
        let number = result["line"].as_u64().unwrap();
        assert!(lines.insert(number, result).is_none(), "line {number} has two results");
    }
    lines
}

pub(crate) fn outcome(result: &Value) -> &str {
    result["outcome"].as_str().unwrap().strip_prefix("OUTCOME_").unwrap()
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn each_line_has_its_own_verdict() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (file, results) = (folder.path().join("pushes.ndjson"), folder.path().join("results.ndjson"));
    let with_id =
        r#"{"id":"mine","app":"shop","target":{"apns":{"token":"900d01"}},"content":{"data":{"k":"v"}}}"#;
    let no_app = r#"{"target":{"apns":{"token":"900d02"}},"content":{"notification":{"body":"x"}}}"#;
    let mut text = String::new();
    for _ in 0..300 {
        text.push_str(&line(&good(1), "good"));
        text.push_str(&line("dead0000", "dead"));
        text.push_str(&line("d1ff0000", "of another app"));
    }
    text.push_str(&format!(
        "\n{with_id}\r\n{no_app}\nnot json\n{{\"app\":1}}\n{}\n \n",
        "x".repeat(1_100_000)
    ));
    // The last line has no line break.
    text.push_str(line("not hex", "bad").trim_end());
    std::fs::write(&file, text).unwrap();

    let (file, results) = (file.to_str().unwrap(), results.to_str().unwrap());
    let ran = batch([file, "--to", &address(&world), "--results", results, "--streams", "3"]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    let lines = by_line(&read(results.as_ref()));
    let expected = |number: u64| match number {
        1..=900 => Some(["INVALID_TOKEN", "ACCEPTED", "UNREGISTERED"][(number % 3) as usize]),
        902 => Some("ACCEPTED"),
        // The line names no app, and neither does the command.
        903 => Some("INVALID_PUSH"),
        904..=906 => Some("INVALID_PUSH"),
        908 => Some("INVALID_TOKEN"),
        _ => None,
    };
    for number in 1..=909 {
        assert_eq!(
            lines.get(&number).map(outcome),
            expected(number),
            "line {number}: {:?}",
            lines.get(&number)
        );
    }
    assert_eq!(lines[&902]["id"], "mine");
    assert_eq!(lines[&903]["field"], "app");
    assert_eq!(lines[&906]["reason"], "REASON_FIELD_TOO_LARGE");
    assert!(lines.values().all(|result| result["id"].is_string() && result["index"].is_null()));
    for bad in [904, 905, 906] {
        assert!(ran.stderr.contains(&format!("line {bad}: ")), "{}", ran.stderr);
    }
    assert!(ran.stderr.contains("906 pushes in "), "{}", ran.stderr);
    assert_eq!(world.simulator.journal().arrived(), 901);
}

#[tokio::test]
async fn exit_codes_and_problems_on_standard_output() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (fine, mixed) = (folder.path().join("fine"), folder.path().join("mixed"));
    std::fs::write(&fine, line(&good(1), "x") + &line(&good(2), "x")).unwrap();
    std::fs::write(&mixed, line(&good(1), "x") + &line("dead01", "x")).unwrap();
    let (fine, mixed, to) = (fine.to_str().unwrap(), mixed.to_str().unwrap(), address(&world));
    let ran = batch([fine, "--to", &to]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    let ran = batch([mixed, "--to", &to]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(by_line(&ran.stdout).keys().copied().collect::<Vec<_>>(), [2]);
    let ran = batch([fine, "--to", &to, "--results", "-", "--dry-run"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(by_line(&ran.stdout).values().all(|result| outcome(result) == "VALIDATED"), "{}", ran.stdout);
    let sent = world.simulator.journal().arrived();
    for args in [
        [fine, "--to", "http://127.0.0.1:1"],
        ["/does/not/exist", "--to", &to],
        [fine, "--to", "not an address"],
        [fine, "--streams", "33"],
        [fine, "--ttl", "1h"],
        [fine, "--title", "but no app"],
        [fine, "--results", fine],
        // A file that holds no results is not appended to.
        [fine, "--results", mixed],
        [fine, "--provider", "fcm"],
        [fine, "--csv", "--json"],
        [fine, "--retry", "CREDENTIAL"],
    ] {
        let ran = batch(args).await;
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("error: "), "{args:?}: {}", ran.stderr);
    }
    assert_eq!(world.simulator.journal().arrived(), sent);
}

#[tokio::test]
async fn a_second_run_sends_only_what_has_no_verdict() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (file, results) = (folder.path().join("pushes.ndjson"), folder.path().join("results.ndjson"));
    let tokens: Vec<_> = (0..500).map(|it| if it == 7 { "dead07".to_owned() } else { good(it) }).collect();
    let text: String = tokens.iter().map(|token| line(token, "x")).collect();
    std::fs::write(&file, text + "no push\n").unwrap();
    let (file, to) = (file.to_str().unwrap(), address(&world));
    let args = [file, "--to", &to, "--results", results.to_str().unwrap()];
    let first = batch(args).await;
    assert_eq!(first.code, Some(1), "{}", first.stderr);
    let written = read(&results);
    assert_eq!(by_line(&written).len(), 501);

    let second = batch(args).await;
    assert_eq!(second.code, Some(1), "the dead one is not accepted: {}", second.stderr);
    assert!(second.stderr.contains("501 skipped"), "{}", second.stderr);
    assert_eq!(read(&results), written);
    assert_eq!(world.simulator.journal().arrived(), 500);

    // The results are changed to those of a run that was killed while it wrote, and had not attempted line 10.
    let kept: Vec<_> = written.lines().filter(|line| !by_line(line).contains_key(&500)).collect();
    let kept = kept.join("\n") + "\n{\"line\":500,\"content\":\"";
    let tenth = written.lines().find(|line| by_line(line).contains_key(&10)).unwrap();
    let not_attempted = tenth.replace("OUTCOME_ACCEPTED", "OUTCOME_NOT_ATTEMPTED");
    std::fs::write(&results, kept.replace(tenth, &not_attempted)).unwrap();
    let third = batch(args).await;
    assert_eq!(third.code, Some(1), "{}", third.stderr);
    assert_eq!(world.simulator.journal().arrived(), 502);
    for number in [10, 500] {
        let token = &tokens[number - 1];
        assert_eq!(world.simulator.journal().by_device_token(token).len(), 2, "line {number}");
    }
    // A line whose content has changed is another push.
    std::fs::write(file, line(&good(0), "changed")).unwrap();
    let fourth = batch(args).await;
    assert_eq!(fourth.code, Some(0), "{}", fourth.stderr);
    assert_eq!(world.simulator.journal().arrived(), 503);
}

#[tokio::test]
async fn device_tokens_get_the_content_of_the_flags() {
    let world = World::with(|builder| builder.keep_bodies(10_000), |_| {}).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.txt");
    let mut text: String = (0..2_500).map(|it| good(it) + "\n").collect();
    text.push_str("{\"apns\":\"900dffff\",\"id\":\"4a0c2b52-3a53-4a3e-9d2f-7c8f3c1f5e11\"}\n\n");
    text.push_str("{\"apns\":\"900dfffe\",\"nonsense\":1}\ndead01\n");
    std::fs::write(&file, text).unwrap();
    let ran = batch([
        file.to_str().unwrap(),
        "--to",
        &address(&world),
        "--app",
        APP,
        "--title",
        "Sale",
        "--badge",
        "3",
        "--data",
        "k=v",
    ])
    .await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let problems = by_line(&ran.stdout);
    assert_eq!(problems.keys().copied().collect::<Vec<_>>(), [2503, 2504], "{}", ran.stdout);
    let journal = world.simulator.journal();
    assert_eq!((journal.arrived(), journal.duplicates().len()), (2_502, 0));
    let named = journal.by_device_token("900dffff").pop().unwrap();
    assert_eq!(named.apns_id.unwrap().to_string(), "4a0c2b52-3a53-4a3e-9d2f-7c8f3c1f5e11");
    let body = named.read.unwrap().body.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body, json!({"aps": {"alert": {"title": "Sale"}, "badge": 3}, "k": "v"}));
}

#[tokio::test]
async fn results_that_are_no_file_may_be_shared_and_a_wait_may_have_any_length() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pushes.ndjson");
    std::fs::write(&file, line(&good(1), "x")).unwrap();
    let (file, to) = (file.to_str().unwrap(), address(&world));
    // Another run with the same results holds this lock.
    let nowhere = std::fs::File::open("/dev/null").unwrap();
    nowhere.lock().unwrap();
    let ran = batch([file, "--to", &to, "--results", "/dev/null"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ever = "300000000000y";
    let ran = batch([file, "--to", &to, "--timeout", ever, "--reconnect-for", ever]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

/// Ends the process whatever becomes of the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
