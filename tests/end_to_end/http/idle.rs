//! Ten thousand connections that say nothing.

use fanfare_simulator::Simulator;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;
use crate::batch_command::read;
use crate::harness::{TOPIC, figure, http_get, until};
use crate::killed::serve;
use crate::secrets::write_config;

/// The connections that callers keep open.
const CONNECTIONS: usize = 10_000;

/// What each may take, in bytes: its sockets and tasks, and the buffer into which its first bytes are read.
const MOST_EACH: usize = 32 * 1024;

/// The resident memory of a process, in bytes. Source: proc_pid_status(5).
fn resident(id: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[tokio::test]
async fn ten_thousand_idle_connections_take_little_and_others_are_served() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), &simulator);
    let file = folder.path().join("fanfare.toml");
    // The listener takes 10,001, so that one more finds no place.
    let most = CONNECTIONS + 1;
    // By default they would have to begin within ten seconds.
    let patient = "handshake_timeout = \"10m\"
idle_timeout = \"10m\"
";
    let http = format!(
        "[[http]]\nlisten = \"127.0.0.1:0\"\nserve = [\"matrix\"]\nmax_connections = {most}\n{patient}"
    );
    let config =
        read(&file).replace("fanfare=trace,info", "warn").replace("[admin]", "max_connections = 10\n[admin]");
    std::fs::write(&file, format!("{config}\n{http}")).unwrap();
    let serving = serve(folder.path(), "gateway").await;
    let ready: serde_json::Value = serde_json::from_str(&read(&folder.path().join("gateway.json"))).unwrap();
    let address: SocketAddr = ready["http"][0].as_str().unwrap().parse().unwrap();
    let admin = serving.admin.parse().unwrap();
    let open = async || {
        let line = format!("fanfare_listener_connections{{listener=\"http:{address}\"}} ");
        let page = http_get(admin, "/metrics").await;
        page.lines().find_map(|it| it.strip_prefix(&line)).expect("a line").parse::<usize>().unwrap()
    };
    let before = resident(serving.process.id());
    let mut idle = Vec::new();
    while idle.len() < CONNECTIONS {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // Half of them keep their connection after a call, and half have begun a first one.
        if idle.len() % 2 == 0 {
            stream.write_all(b"POST / HTTP/1.1\r\nhost:").await.unwrap();
        } else {
            stream.write_all(post("/", "").as_bytes()).await.unwrap();
            one_answer(&mut stream).await;
        }
        idle.push(stream);
    }
    let all = async { while open().await < CONNECTIONS {} };
    timeout(SOON, all).await.expect("all are open");
    let grew = resident(serving.process.id()).saturating_sub(before);
    figure(&format!(
        "{CONNECTIONS} idle HTTP connections: {:.1} KiB each",
        grew as f64 / CONNECTIONS as f64 / 1024.0
    ));
    assert!(grew < CONNECTIONS * MOST_EACH, "{grew} bytes");
    // One more is served, and the one after it finds no place.
    let mut last = TcpStream::connect(address).await.unwrap();
    last.write_all(post("/_matrix/push/v1/notify", "").as_bytes()).await.unwrap();
    one_answer(&mut last).await;
    assert_eq!(rest(TcpStream::connect(address).await.unwrap()).await, "");
    drop((idle, last));
    let gone = async { while open().await > 0 {} };
    timeout(SOON, gone).await.expect("all are gone");
    until(|| resident(serving.process.id()) < before + CONNECTIONS * MOST_EACH).await;
}
