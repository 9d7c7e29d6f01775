//! Commands that cannot begin say so in words, and leave nothing half begun.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{Outcome, SendPushRequest};
use fanfare_simulator::Simulator;
use tokio::net::TcpListener;

use super::{ended, fanfare, run, said, signal};
use crate::batch_command::line;
use crate::harness::{APP, SOON, TOPIC, good, push};
use crate::killed::serve_by;
use crate::secrets::write_config;

#[tokio::test]
async fn an_address_that_no_gateway_has_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let pushes = folder.path().join("pushes.ndjson");
    std::fs::write(&pushes, line(&good(1), "Hello")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let to = |scheme: &str| format!("{scheme}{address}");
    for address in [to("grpc://"), to("")] {
        let expected = "expected an address such as http://127.0.0.1:50051";
        let mut send = fanfare();
        send.args(["send", "--to", &address, "--app", APP, "--apns", &good(1), "--title", "Hello"]);
        let mut batch = fanfare();
        batch.arg("batch").arg(&pushes).args(["--to", &format!("{},{address}", to("http://"))]);
        for command in [send, batch] {
            let refused = run(command).await;
            assert_eq!(refused.status.code(), Some(2), "{address}: {}", said(&refused));
            assert!(said(&refused).contains(expected), "{address}: {}", said(&refused));
        }
    }
    // Connections are accepted in turn, and the first one is the test's own.
    let own = tokio::net::TcpStream::connect(address).await.unwrap();
    let (_, first) = tokio::time::timeout(SOON, listener.accept()).await.unwrap().unwrap();
    assert_eq!(first, own.local_addr().unwrap());
}

#[tokio::test]
async fn a_gateway_that_cannot_say_that_it_is_ready_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    write_config(folder.path(), &simulator);
    let config = folder.path().join("fanfare.toml");
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    for (limit, file) in [
        ("unlimited", folder.path().join("none/ready.json")),
        ("unlimited", taken),
        // A write fails as on a full disk.
        ("0", folder.path().join("ready.json")),
    ] {
        let mut command = Command::new("bash");
        let limited = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$@\"");
        command.args(["-c", &limited, "bash", env!("CARGO_BIN_EXE_fanfare"), "serve", "--config"]);
        command.arg(&config).arg("--ready-file").arg(&file).stdin(Stdio::null());
        let refused = run(command).await;
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        let expected = format!("cannot write {}", file.display());
        assert!(
            said(&refused).contains(&expected) && said(&refused).contains("stopped"),
            "{}",
            said(&refused)
        );
        assert!(!file.with_extension("json.part").exists());
    }
}

#[tokio::test]
async fn a_simulator_without_a_folder_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut command = fanfare();
    command.args(["simulate", "--dir"]).arg(&file);
    let refused = run(command).await;
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains(&format!("cannot write to {}", file.display())), "{}", said(&refused));
}

/// The process may have only so few files open that its callers use them all up.
#[tokio::test]
async fn a_gateway_without_file_descriptors_says_so_and_goes_on_when_there_are_some() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    write_config(folder.path(), &simulator);
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -n 40; exec \"$@\"", "bash", env!("CARGO_BIN_EXE_fanfare")]);
    let mut gateway = serve_by(command.stderr(Stdio::piped()), folder.path(), "gateway").await;
    let log = BufReader::new(gateway.process.stderr.take().unwrap());
    let (lines, log_lines) = mpsc::sync_channel(100_000);
    std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
    let says = move |expected: &str| {
        while !log_lines.recv_timeout(SOON).expect(expected).contains(expected) {}
    };
    says("the process may open fewer files than upstream.max_connections");
    let address = gateway.grpc.strip_prefix("http://").unwrap();
    let callers: Vec<_> = (0..60).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
    tokio::task::spawn_blocking(move || says("a connection cannot be accepted")).await.unwrap();
    drop(callers);
    let mut client = PushServiceClient::connect(gateway.grpc.clone()).await.unwrap();
    let request = SendPushRequest { push: Some(Box::new(push(&good(1)))) };
    let sent = tokio::time::timeout(SOON, client.send_push(request)).await.expect("an answer").unwrap();
    assert_eq!(sent.into_inner().result.unwrap().outcome(), Outcome::Accepted);
    signal(&gateway.process, "-TERM");
    assert_eq!(ended(&mut gateway.process).await.code(), Some(0));
}
