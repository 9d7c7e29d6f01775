//! `fanfare demo`, run as a user types it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::{SOON, http_get};

#[test]
fn while_things_break_nothing_is_lost_or_doubled_through_the_gateway_and_the_books_balance() {
    let mut command = assert_cmd::Command::cargo_bin("fanfare").unwrap();
    command.args(["demo", "--breaking", "300", "--pushes", "500", "--singles", "50", "--json"]);
    let output = command.timeout(SOON * 3).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    let document: Value =
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}\n{log}"));
    assert_eq!((output.status.code(), &document["good"]), (Some(0), &true.into()), "{said}\n{log}");
    assert_eq!(document["serving"], Value::Null, "{said}");

    let breaking = &document["breaking"];
    let count = |sender: &str, line: &str| breaking[sender][line].as_u64().unwrap();
    for line in ["lost", "doubled", "failed_but_arrived"] {
        assert_eq!(count("fanfare", line), 0, "{line}: {breaking:#}");
    }
    for sender in ["naive", "fanfare"] {
        let lines = ["accepted_and_arrived_once", "lost", "doubled", "failed_but_arrived", "unknown"];
        let sum: u64 = lines.iter().map(|line| count(sender, line)).sum();
        assert_eq!((sum, count(sender, "pushes")), (300, 300), "{sender}: {breaking:#}");
        // A connection was told to go, so there was another one.
        assert!(count(sender, "sockets") >= 2, "{sender}: {breaking:#}");
    }
}

/// The demo's process, which ends with the test.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_demo_that_stays_tells_its_status_page_and_ends_by_sigterm() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.args(["demo", "--serve", "--breaking", "0", "--pushes", "100", "--singles", "10"]);
    let mut demo = Demo(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut output = BufReader::new(demo.0.stdout.take().unwrap());
    let mut said = String::new();
    let address = loop {
        let before = said.len();
        assert_ne!(output.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        if let Some((_, url)) = said[before..].split_once("status page") {
            let address = url.trim().strip_prefix("http://").and_then(|rest| rest.strip_suffix('/'));
            break address.unwrap().parse::<SocketAddr>().unwrap();
        }
    };
    assert!(http_get(address, "/").await.contains("<html"), "{said}");
    // The pushes that trickle arrive at the page: 110 were sent before.
    let sent = async {
        while settled(&http_get(address, "/metrics").await) <= 110.0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, sent).await.expect("pushes go on");

    let pid = demo.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    output.read_to_string(&mut said).unwrap();
    assert_eq!(demo.0.wait().unwrap().code(), Some(0), "{said}");
    assert!(said.contains("fanfare top http://"), "{said}");
}

/// How many pushes have their outcome, by the page of metrics.
fn settled(metrics: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with("fanfare_pushes_total{"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}
