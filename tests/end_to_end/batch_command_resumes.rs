//! `fanfare batch` run again: what has its verdict is never sent twice, and what was in flight at a kill is never
//! forgotten.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use fanfare::simulator::{Fault, FaultRule, ScriptedAnswer, Simulator, Trigger};
use serde_json::{Value, json};

use crate::batch_command::{Running, address, batch, line, outcome, read};
use crate::harness::{APP, SOON, TOPIC, World, good};
use crate::killed::serve;
use crate::secrets::write_config;

/// A folder with a file of pushes and one for results.
struct Files {
    _folder: tempfile::TempDir,
    pushes: PathBuf,
    results: PathBuf,
}

impl Files {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (pushes, results) = (folder.path().join(name), folder.path().join("results.ndjson"));
        Self { _folder: folder, pushes, results }
    }

    fn write(&self, lines: impl IntoIterator<Item = String>) {
        std::fs::write(&self.pushes, lines.into_iter().collect::<String>()).unwrap();
    }

    fn journal(&self) -> PathBuf {
        let mut path = self.results.clone().into_os_string();
        path.push(".journal");
        path.into()
    }

    fn pushes(&self) -> &str {
        self.pushes.to_str().unwrap()
    }

    fn results(&self) -> &str {
        self.results.to_str().unwrap()
    }
}

/// The last verdict of each push, by its id and occurrence.
fn last(results: &Path) -> BTreeMap<(String, u64), Value> {
    let mut last = BTreeMap::new();
    for text in read(results).lines() {
        let result: Value = serde_json::from_str(text).unwrap();
        let occurrence = result["occurrence"].as_u64().unwrap_or(0);
        last.insert((result["id"].as_str().unwrap().to_owned(), occurrence), result);
    }
    last
}

fn deliveries(simulator: &Simulator) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for entry in simulator.journal().entries().iter().filter(|entry| entry.may_be_delivered()) {
        *times.entry(entry.device_token().unwrap().to_owned()).or_default() += 1;
    }
    times
}

#[tokio::test]
async fn an_edited_file_sends_only_what_is_new() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    let named =
        |n: usize, body: &str| line(&good(n), body).replacen('{', &format!("{{\"id\":\"id-{n}\","), 1);
    let all = |n: usize| if n.is_multiple_of(2) { line(&good(n), "x") } else { named(n, "x") };
    files.write((0..300).map(all).chain(["no push\n".to_owned(), "nor this\n".to_owned()]));
    let to = address(&world);
    let args = [files.pushes(), "--to", &to, "--results", files.results()];
    assert_eq!(batch(args).await.code, Some(1));
    assert_eq!(world.simulator.journal().arrived(), 300);
    assert!(!files.journal().exists(), "a run that ends in order leaves no journal");

    // Bad lines deleted, the rest in another order and shorter, named ones mended, two new ones, and one twice.
    let mended = |n: usize| if n.is_multiple_of(2) { line(&good(n), "x") } else { named(n, "mended") };
    let new = [line(&good(1000), "x"), named(1001, "x"), line(&good(0), "x"), named(1, "x")];
    files.write((0..200).rev().map(mended).chain(new));
    let ran = batch(args).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("200 skipped"), "{}", ran.stderr);
    // A line that stands there twice is two pushes, also where both have one id.
    assert_eq!(world.simulator.journal().arrived(), 304);
    let again = batch(args).await;
    assert_eq!((again.code, world.simulator.journal().arrived()), (Some(0), 304), "{}", again.stderr);
}

#[tokio::test]
async fn results_of_another_content_are_refused() {
    let world = World::start().await;
    let files = Files::new("tokens.txt");
    files.write((0..10).map(|n| good(n) + "\n"));
    let to = address(&world);
    let run = async |more: [&str; 4]| {
        let [a, b, c, d] = more;
        batch([files.pushes(), "--to", &to, "--app", APP, "--results", files.results(), a, b, c, d]).await
    };
    assert_eq!(run(["--title", "Sale", "--ttl", "1h"]).await.code, Some(0));
    let other = run(["--title", "Sold out", "--ttl", "1h"]).await;
    assert_eq!(other.code, Some(2), "{}", other.stderr);
    assert!(other.stderr.contains("another content"), "{}", other.stderr);
    // How it is treated may change.
    let later = run(["--title", "Sale", "--ttl", "10m"]).await;
    assert_eq!(later.code, Some(0), "{}", later.stderr);
    assert_eq!(world.simulator.journal().arrived(), 10);
}

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
    // No more than two windows of what was in flight.
    assert!(in_doubt > 0 && in_doubt <= 600, "{in_doubt}");
    assert!(times.values().all(|times| *times == 1), "something was sent twice");
    assert!(times.len() >= LINES - in_doubt);
    assert_eq!(batch(args).await.code, Some(1));
    assert_eq!(deliveries(&world.simulator), times);

    // Where it does no harm it goes again, and what became of it before is not forgotten.
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
        // Each is killed by its drop: first the one, then the other.
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
async fn a_journal_whose_results_are_gone_is_not_taken_for_theirs() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    files.write((0..10).map(|n| line(&good(n), "x")));
    let to = address(&world);
    let args = [files.pushes(), "--to", &to, "--results", files.results()];
    assert_eq!(batch(args).await.code, Some(0));
    // As a run leaves it that is killed before it sends.
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
async fn a_dry_run_that_is_killed_leaves_nothing_in_doubt() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    files.write((0..200).map(|n| line(&good(n), "x")));
    let to = address(&world);
    // The pace keeps it going until it is killed.
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
    let validated = async {
        while !files.results.exists() || read(&files.results).lines().count() < 20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, validated).await.unwrap();
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    let ran = batch([files.pushes(), "--to", &to, "--results", files.results()]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(last(&files.results).values().all(|it| outcome(it) == "ACCEPTED"));
    assert_eq!(world.simulator.journal().arrived(), 200);
}

#[tokio::test]
async fn a_line_that_is_long_and_bad_costs_no_other_its_verdict() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    // The error names the member, and the line may be as long as any.
    let long = format!("{{\"{}\":1}}\n", "x".repeat(1_048_500));
    files.write([line(&good(0), "x"), long].into_iter().chain((1..50).map(|n| line(&good(n), "x"))));
    let to = address(&world);
    let args = [files.pushes(), "--to", &to, "--results", files.results()];
    let first = batch(args).await;
    assert_eq!(first.code, Some(1), "{}", first.stderr);
    assert!(first.stderr.len() < 10_000, "{} bytes for one bad line", first.stderr.len());
    let again = batch(args).await;
    assert_eq!(again.code, Some(1), "{}", again.stderr);
    assert!(again.stderr.contains("51 skipped"), "{}", again.stderr);
    assert_eq!(world.simulator.journal().arrived(), 50);
}

#[tokio::test]
async fn a_line_whose_id_is_too_long_has_one_verdict() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    let named =
        |id: usize| line("ab12", "x").replacen('{', &format!("{{\"id\":\"{}{id}\",", "x".repeat(200)), 1);
    files.write((0..3).map(named));
    let to = address(&world);
    let args = [files.pushes(), "--to", &to, "--results", files.results()];
    assert_eq!(batch(args).await.code, Some(1));
    let again = batch(args).await;
    assert!(again.stderr.contains("3 skipped"), "{}", again.stderr);
    assert_eq!(read(&files.results).lines().count(), 3);
    assert!(again.code == Some(1) && world.simulator.journal().arrived() == 0);
}

#[tokio::test]
async fn a_dry_run_does_not_settle_what_is_in_doubt() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    files.write((0..10).map(|n| line(&good(n), "x")));
    let to = address(&world);
    let args = [files.pushes(), "--to", &to, "--results", files.results()];
    assert_eq!(batch(args).await.code, Some(0));
    // As if a gateway had been lost.
    let in_doubt = read(&files.results)
        .replace("OUTCOME_ACCEPTED", "OUTCOME_UNCONFIRMED")
        .replace("DELIVERY_ACCEPTED", "DELIVERY_MAYBE");
    std::fs::write(&files.results, in_doubt).unwrap();
    let [a, b, c, d, e] = args;
    let dry = batch([a, b, c, d, e, "--dry-run", "--retry", "unconfirmed"]).await;
    assert!(dry.stderr.contains("VALIDATED                   10"), "{}", dry.stderr);
    let ran = batch(args).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(world.simulator.journal().arrived(), 10, "nobody said that it may go again");
    assert_eq!(batch([a, b, c, d, e, "--repeatable"]).await.code, Some(0));
    assert_eq!(world.simulator.journal().arrived(), 20);
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
async fn a_mended_key_sends_what_it_held_up() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    files.write((0..50).map(|n| line(&good(n), "x")).chain(["dead01\n".to_owned()]));
    for n in 0..20 {
        let forbidden = Fault::Answer(ScriptedAnswer::refusal(403, "Forbidden"));
        world.simulator.add_fault(FaultRule::once(Trigger::DeviceToken(good(n)), forbidden));
    }
    let to = address(&world);
    let args = [files.pushes(), "--to", &to, "--results", files.results()];
    let first = batch(args).await;
    assert_eq!(first.code, Some(1), "{}", first.stderr);
    assert!(
        first.stderr.contains("20 CREDENTIAL: Forbidden: "),
        "the summary names the cause: {}",
        first.stderr
    );
    let arrived = world.simulator.journal().arrived();
    assert_eq!(batch(args).await.code, Some(1));
    assert_eq!(world.simulator.journal().arrived(), arrived, "nothing goes again unasked");
    let retry = ["--retry", "credential"];
    let asked = batch([args[0], args[1], args[2], args[3], args[4], retry[0], retry[1]]).await;
    assert_eq!(asked.code, Some(1), "one line is no push: {}", asked.stderr);
    assert_eq!(world.simulator.journal().arrived(), arrived + 20);
    assert!(deliveries(&world.simulator).values().all(|times| *times <= 2));
    assert_eq!(last(&files.results).values().filter(|it| outcome(it) == "ACCEPTED").count(), 50);
}

#[tokio::test]
async fn a_run_stops_after_so_many_refused_credentials() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    files.write((0..2_000).map(|n| line(&good(n), "x")));
    let forbidden = Fault::Answer(ScriptedAnswer::refusal(403, "Forbidden"));
    world.simulator.add_fault(FaultRule::always(Trigger::Always, forbidden));
    let to = address(&world);
    let ran = batch([
        files.pushes(),
        "--to",
        &to,
        "--results",
        files.results(),
        "--in-flight",
        "50",
        "--stop-after-credential",
        "10",
    ])
    .await;
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("--stop-after-credential 10"), "{}", ran.stderr);
    let verdicts = last(&files.results);
    assert!(verdicts.len() >= 10 && verdicts.len() < 1_000, "{}", verdicts.len());
    assert!(verdicts.values().all(|it| outcome(it) == "CREDENTIAL"));
}

/// Runs the command where files may have so many KiB: a limit that fails writes as a full disk does, and harms no
/// other user of the machine.
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
