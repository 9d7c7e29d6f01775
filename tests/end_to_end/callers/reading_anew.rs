//! SIGHUP has a running gateway read its callers anew.

use std::path::Path;
use std::process::Stdio;

use fanfare_simulator::Simulator;

use super::*;
use crate::harness::{SOON, good};
use crate::killed::serve_with_log;
use crate::secrets::write_config;
use crate::surroundings::{ended, signal};

fn write_callers(folder: &Path, configuration: &str, callers: &str) {
    std::fs::write(folder.join("fanfare.toml"), format!("{configuration}{callers}")).unwrap();
}

/// Sends the same push until what comes of it is as it should be.
async fn until_sent(client: &Client, good_now: impl Fn(&proto::PushResult) -> bool) {
    let look = async {
        while !good_now(&send(client, Rpc::SendPush, push(&good(1))).await.unwrap()) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, look).await.unwrap();
}

#[tokio::test]
async fn a_wrong_file_changes_nothing_and_a_good_one_holds_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    write_config(folder.path(), &simulator);
    let configuration = std::fs::read_to_string(folder.path().join("fanfare.toml")).unwrap();
    let key = CallerKey::generate().unwrap();
    let rule = |providers: &str| {
        format!(
            "[callers.orders]\napps = [\"shop\"]\nproviders = [{providers}]\nrpcs = [\"SendPush\"]\n\
             service_classes = [\"*\"]\nkey_sha256 = [\"{}\"]\n",
            key.digest()
        )
    };
    write_callers(folder.path(), &configuration, &rule("\"apns\""));
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut gateway = serve_with_log(folder.path(), "gateway", Stdio::from(log)).await;
    let channel = tonic::transport::Endpoint::from_shared(gateway.grpc.clone()).unwrap();
    let bearer = Bearer(format!("Bearer {}", key.expose_secret()));
    let client = PushServiceClient::with_interceptor(channel.connect().await.unwrap(), bearer);
    let accepted = |result: &proto::PushResult| result.outcome() == Outcome::Accepted;
    until_sent(&client, accepted).await;

    write_callers(folder.path(), &configuration, &rule("\"apple\""));
    signal(&gateway.process, "-HUP");
    let said = || std::fs::read_to_string(folder.path().join("log")).unwrap();
    crate::harness::until(|| said().contains("callers.orders.providers: expected one of apns")).await;
    assert!(accepted(&send(&client, Rpc::SendPush, push(&good(1))).await.unwrap()));

    write_callers(folder.path(), &configuration, &rule("\"fcm\""));
    signal(&gateway.process, "-HUP");
    until_sent(&client, is_not_permitted).await;
    // Auditors read who was refused what, and from where.
    let audited = |line: &str| {
        let parts = [
            "fanfare::audit",
            "\"caller\":\"orders\"",
            "\"rule\":\"providers\"",
            "\"app\":\"shop\"",
            "127.0.0.1:",
        ];
        parts.into_iter().all(|part| line.contains(part))
    };
    crate::harness::until(|| said().lines().any(audited)).await;
    assert!(!said().contains(key.expose_secret()));

    write_callers(folder.path(), &configuration, &rule("\"apns\""));
    signal(&gateway.process, "-HUP");
    until_sent(&client, accepted).await;
    signal(&gateway.process, "-TERM");
    assert_eq!(ended(&mut gateway.process).await.code(), Some(0));
}
