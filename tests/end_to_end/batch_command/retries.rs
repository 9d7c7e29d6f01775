//! `fanfare batch` with `--retry` and `--stop-after-credential`: what is sent again because the caller says so.

use fanfare::proto::Outcome;
use fanfare_simulator::{Fault, FaultRule, ScriptedAnswer, Trigger};

use super::files::{Files, deliveries, last};
use super::{address, batch, line, outcome, read};
use crate::harness::{PROBE_IS_DUE, World, good, pass, push};

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
    // Where two refusals came in a row, the gateway has to see that the key was mended.
    pass(PROBE_IS_DUE).await;
    assert_eq!(world.send(push(&good(50))).await.outcome(), Outcome::Accepted);
    let arrived = arrived + 1;
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

#[tokio::test]
async fn a_dry_run_does_not_settle_what_is_in_doubt() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    files.write((0..10).map(|n| line(&good(n), "x")));
    let to = address(&world);
    let args = [files.pushes(), "--to", &to, "--results", files.results()];
    assert_eq!(batch(args).await.code, Some(0));
    // The results are changed to those of a run that had lost its gateway.
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
