//! `fanfare batch` run again: a line that has its verdict is not sent again, however its file was edited.

use super::files::Files;
use super::{address, batch, line, read};
use crate::harness::{APP, World, good};

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

    // Bad lines are deleted, the others are fewer and in another order, named ones are mended, two are new, and one is there
    // twice.
    let mended = |n: usize| if n.is_multiple_of(2) { line(&good(n), "x") } else { named(n, "mended") };
    let new = [line(&good(1000), "x"), named(1001, "x"), line(&good(0), "x"), named(1, "x")];
    files.write((0..200).rev().map(mended).chain(new));
    let ran = batch(args).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("200 skipped"), "{}", ran.stderr);
    // A line that is there twice is two pushes, even if both have one id.
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
    // The flags that say how a push is treated may change.
    let later = run(["--title", "Sale", "--ttl", "10m"]).await;
    assert_eq!(later.code, Some(0), "{}", later.stderr);
    assert_eq!(world.simulator.journal().arrived(), 10);
}

#[tokio::test]
async fn a_line_that_is_long_and_bad_costs_no_other_its_verdict() {
    let world = World::start().await;
    let files = Files::new("pushes.ndjson");
    // The error repeats the name of the member, and the line is as long as a line may be.
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
