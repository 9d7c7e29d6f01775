//! Commands that cannot begin say so in words, and leave nothing half begun.

use std::process::{Command, Stdio};

use fanfare_simulator::Simulator;
use tokio::net::TcpListener;

use super::{fanfare, run, said};
use crate::batch_command::line;
use crate::harness::{APP, SOON, TOPIC, good};
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
