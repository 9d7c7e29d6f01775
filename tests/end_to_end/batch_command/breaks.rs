//! `fanfare batch` when its gateway goes away: what is sent again, and what is in doubt.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare_simulator::Simulator;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::batch_command::{Running, address, batch, by_line, line, outcome, read};
use crate::harness::{SOON, TOPIC, World, config, good, metric_sum, push};
use crate::killed::serve;
use crate::secrets::write_config;

#[tokio::test]
async fn a_gateway_that_drains_is_followed_by_the_next_and_nothing_is_lost() {
    let world = World::with(|builder| builder.max_concurrent_streams(50), |_| {}).await;
    world.simulator.set_answer_latency(Duration::from_millis(10));
    let second = Gateway::start(config(&world.simulator), Network::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, results) = (folder.path().join("pushes.ndjson"), folder.path().join("results.ndjson"));
    let text: String = (0..5_000).map(|it| line(&good(it), "x")).collect();
    std::fs::write(&file, text).unwrap();
    let to = format!("{},http://{}", address(&world), second.grpc_address());
    let run = tokio::spawn(async move {
        let (file, results) = (file.to_str().unwrap(), results.to_str().unwrap());
        (batch([file, "--to", &to, "--results", results]).await, read(results.as_ref()))
    });
    world.simulator.journal().wait_for_read(200, SOON).await.unwrap();
    let World { simulator, gateway, .. } = world;
    gateway.shut_down().await;
    let (ran, results) = run.await.unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines = by_line(&results);
    assert_eq!(lines.len(), 5_000);
    assert!(lines.values().all(|result| outcome(result) == "ACCEPTED"));
    assert_eq!((simulator.journal().arrived(), simulator.journal().duplicates().len()), (5_000, 0));
    let world = World { client: crate::harness::connect(&second).await, simulator, gateway: second };
    let by_second = metric_sum(&world, "fanfare_pushes_total{", "outcome=\"accepted\"");
    assert!(by_second > 0.0 && by_second < 5_000.0, "{by_second}");
}

/// Carries bytes to a gateway until it is told to cut. Connections that come later are carried to their end.
async fn proxy(to: std::net::SocketAddr, cut: CancellationToken) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let cut = if cut.is_cancelled() { CancellationToken::new() } else { cut.clone() };
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    () = cut.cancelled() => {}
                }
            });
        }
    });
    address
}

/// How many pushes the tests with a proxy send. They are so large that flow control keeps most of them from the gateway.
const PUSHES: usize = 3_000;

/// The window of the gateway: how many of these pushes are in flight.
const WINDOW: usize = 16;

/// Sends through a proxy that cuts when the gateway's window is full of pushes that get no answer.
async fn cut_in_the_middle(extra: &'static str) -> (World, i32, std::collections::BTreeMap<u64, String>) {
    let world = World::with(|builder| builder, |config| config.grpc.batch.window = WINDOW).await;
    let cut = CancellationToken::new();
    let to = proxy(world.gateway.grpc_address(), cut.clone()).await;
    // This warms the connection to the simulator, which takes one push before the first good answer.
    world.send(push(&good(PUSHES))).await;
    for it in 0..WINDOW {
        world.simulator.script_outcome(&good(it), fanfare_simulator::ApnsScriptedOutcome::Silent);
    }
    let folder = tempfile::tempdir().unwrap();
    let (file, results) = (folder.path().join("pushes.ndjson"), folder.path().join("results.ndjson"));
    let body = "x".repeat(1_000);
    let text: String = (0..PUSHES).map(|it| line(&good(it), &body)).collect();
    std::fs::write(&file, text).unwrap();
    let run = tokio::spawn(async move {
        let (file, results) = (file.to_str().unwrap(), results.to_str().unwrap());
        (batch([file, "--to", &to, "--results", results, extra]).await, read(results.as_ref()))
    });
    world.simulator.journal().wait_for_read(1 + WINDOW as u64, SOON).await.unwrap();
    for it in 0..WINDOW {
        world.simulator.script_outcome(&good(it), fanfare_simulator::ApnsScriptedOutcome::Good);
    }
    cut.cancel();
    let (ran, results) = run.await.unwrap();
    assert!(ran.stderr.contains("connecting again"), "{}", ran.stderr);
    let lines = by_line(&results);
    let lines: std::collections::BTreeMap<_, _> =
        lines.iter().map(|(line, result)| (*line, outcome(result).to_owned())).collect();
    assert_eq!(lines.len(), PUSHES, "{}", ran.stderr);
    (world, ran.code.unwrap(), lines)
}

#[tokio::test]
async fn when_the_connection_breaks_what_may_have_been_read_is_unconfirmed_and_the_rest_is_sent() {
    let (world, code, lines) = Box::pin(cut_in_the_middle("--service-class=bulk")).await;
    assert_eq!(code, 1);
    let in_doubt = lines.values().take_while(|outcome| *outcome == "UNCONFIRMED").count();
    assert!((WINDOW..PUSHES).contains(&in_doubt), "{in_doubt}");
    assert!(lines.values().skip(in_doubt).all(|outcome| outcome == "ACCEPTED"));
    let journal = world.simulator.journal();
    assert!(journal.duplicates().is_empty(), "{:?}", journal.duplicates());
    for it in in_doubt..PUSHES {
        assert_eq!(journal.by_device_token(&good(it)).len(), 1, "push {it}");
    }
    // Only pushes that the gateway had read are in doubt, and the simulator saw no more of them.
    let arrived = journal.arrived() as usize - 1;
    assert!(
        (PUSHES - in_doubt + WINDOW..=PUSHES).contains(&arrived),
        "{arrived} arrived, {in_doubt} in doubt"
    );
}

#[tokio::test]
async fn what_is_repeatable_is_sent_again() {
    let (world, code, lines) = Box::pin(cut_in_the_middle("--repeatable")).await;
    assert_eq!(code, 0);
    assert!(lines.values().all(|outcome| outcome == "ACCEPTED"));
    for it in 0..PUSHES {
        let times = world.simulator.journal().by_device_token(&good(it)).len();
        assert!((1..=2).contains(&times), "push {it} arrived {times} times");
    }
}

#[tokio::test]
async fn without_a_gateway_to_go_on_with_the_run_breaks_off_and_a_second_run_sends_the_rest() {
    let world = World::with(|builder| builder, |config| config.grpc.batch.window = WINDOW).await;
    let folder = tempfile::tempdir().unwrap();
    let (file, results) = (folder.path().join("pushes.ndjson"), folder.path().join("results.ndjson"));
    let text: String = (0..5_000).map(|it| line(&good(it), "x")).collect();
    std::fs::write(&file, text).unwrap();
    let (file, results) = (file.to_str().unwrap().to_owned(), results.to_str().unwrap().to_owned());
    let (to, again) = (address(&world), (file.clone(), results.clone()));
    let run = tokio::spawn(async move {
        batch([&again.0, "--to", &to, "--results", &again.1, "--reconnect-for", "1s"]).await
    });
    world.simulator.journal().wait_for_read(200, SOON).await.unwrap();
    let World { simulator, gateway, .. } = world;
    gateway.shut_down().await;
    let ran = run.await.unwrap();
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("run the same command again"), "{}", ran.stderr);
    let told = by_line(&read(results.as_ref()));
    let sent = told.len();
    assert!((200..5_000).contains(&sent), "{sent}");
    let outcomes: BTreeSet<_> = told.values().map(outcome).collect();
    assert_eq!(simulator.journal().arrived(), sent as u64, "{outcomes:?} {}", ran.stderr);

    let second = Gateway::start(config(&simulator), Network::default()).await.unwrap();
    let to = format!("http://{}", second.grpc_address());
    let ran = batch([&file, "--to", &to, "--results", &results]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(by_line(&read(results.as_ref())).len(), 5_000);
    assert_eq!((simulator.journal().arrived(), simulator.journal().duplicates().len()), (5_000, 0));
}

#[tokio::test]
async fn a_gateway_is_looked_for_no_shorter_because_there_was_nothing_to_send() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    write_config(folder.path(), &simulator);
    let (first, second) = (serve(folder.path(), "first").await, serve(folder.path(), "second").await);
    // The gateway in the middle is never there, so connecting again takes two attempts.
    let to = format!("{},http://127.0.0.1:1,{}", first.grpc, second.grpc);
    let child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args(["batch", "-", "--to", &to, "--reconnect-for", "1s"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let (mut stdin, stderr) = (running.0.stdin.take().unwrap(), running.0.stderr.take().unwrap());
    stdin.write_all(line(&good(1), "x").as_bytes()).unwrap();
    simulator.journal().wait_for_read(1, SOON).await.unwrap();
    drop(first);
    let lost = tokio::task::spawn_blocking(move || {
        let mut told = BufReader::new(stderr).lines().map_while(Result::ok);
        assert!(told.by_ref().any(|line| line.contains("connecting again")));
        told
    });
    let told = tokio::time::timeout(SOON, lost).await.unwrap().unwrap();
    // The input is silent for longer than --reconnect-for. The time has to pass: it is what the command must not count.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    stdin.write_all(line(&good(2), "x").as_bytes()).unwrap();
    drop(stdin);
    let ran =
        tokio::task::spawn_blocking(move || (told.collect::<Vec<_>>(), running.0.wait().unwrap().code()));
    let (told, code) = tokio::time::timeout(SOON, ran).await.unwrap().unwrap();
    assert!(matches!(code, Some(0 | 1)), "{code:?}: {told:?}");
    assert_eq!(simulator.journal().by_device_token(&good(2)).len(), 1, "{told:?}");
}
