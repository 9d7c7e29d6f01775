//! The process has no file descriptors left.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{Outcome, SendPushRequest};
use fanfare_simulator::Simulator;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::time::timeout;

use super::frames::{PREFACE, SETTINGS};
use crate::harness::{SOON, TOPIC, good, http_get, push};
use crate::killed::{Serving, serve_by};
use crate::secrets::write_config;
use crate::surroundings::{ended, signal};

/// A gateway, and the lines of its log as they come.
async fn serve(
    folder: &tempfile::TempDir,
    simulator: &Simulator,
    limit: &str,
) -> (Serving, mpsc::Receiver<String>) {
    write_config(folder.path(), simulator);
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{limit} exec \"$@\""), "bash", env!("CARGO_BIN_EXE_fanfare")]);
    let mut gateway = serve_by(command.stderr(Stdio::piped()), folder.path(), "gateway").await;
    let log = BufReader::new(gateway.process.stderr.take().unwrap());
    let (lines, log_lines) = mpsc::sync_channel(100_000);
    std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
    (gateway, log_lines)
}

async fn send(grpc: &str) -> Outcome {
    let mut client = PushServiceClient::connect(grpc.to_owned()).await.unwrap();
    let request = SendPushRequest { push: Some(Box::new(push(&good(1)))) };
    let sent = timeout(SOON, client.send_push(request)).await.expect("an answer").unwrap();
    sent.into_inner().result.unwrap().outcome()
}

/// Opens connections that begin HTTP/2, and does nothing more with them. Those that are closed already take nothing.
fn callers(gateway: &Serving, count: usize) -> Vec<TcpStream> {
    let address = gateway.grpc.strip_prefix("http://").unwrap();
    let begin = |_| {
        let mut caller = TcpStream::connect(address).unwrap();
        let _ = caller.write_all(&[PREFACE, SETTINGS].concat());
        caller
    };
    (0..count).map(begin).collect()
}

/// Waits until the page of metrics has this line.
async fn page_says(admin: SocketAddr, line: &str) {
    let says = async { while !http_get(admin, "/metrics").await.contains(line) {} };
    timeout(SOON, says).await.expect(line);
}

/// Lets the process have so many files open beside those that it has open now.
fn leave(gateway: &Serving, more: u64) {
    let pid = gateway.process.id().cast_signed();
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64;
    let pid = Pid::from_raw(pid).unwrap();
    let limit = Some(open + more);
    prlimit(Some(pid), Resource::Nofile, Rlimit { current: limit, maximum: limit }).unwrap();
}

#[tokio::test]
async fn without_descriptors_operators_are_answered_and_callers_once_there_are_some() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let (mut gateway, log) = serve(&folder, &simulator, "").await;
    assert_eq!(send(&gateway.grpc).await, Outcome::Accepted);
    let admin: SocketAddr = gateway.admin.parse().unwrap();
    leave(&gateway, 4);
    let since = Instant::now();
    let callers = callers(&gateway, 20);
    let fails = "fanfare_listener_refused_total{listener=\"grpc\",reason=\"descriptors\"} ";
    let mut failed = 0;
    while failed < 3 {
        assert!(since.elapsed() < SOON, "the listener tries again");
        let health = timeout(SOON, http_get(admin, "/healthz")).await.expect("an answer");
        assert!(health.starts_with("HTTP/1.1 200"), "{health}");
        let page = http_get(admin, "/metrics").await;
        failed = page.lines().find_map(|it| it.strip_prefix(fails)).expect(fails).parse().unwrap();
    }
    // It tries at once, again when a connection has ended (that of the first push may have), and then each second, and not in a
    // loop that takes a processor.
    assert!(failed <= 2 + since.elapsed().as_secs(), "{failed} times");
    let ready = http_get(admin, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("no connection can be accepted"), "{ready}");
    let said: Vec<_> = log.try_iter().filter(|line| line.contains("\"listener\":\"grpc\"")).collect();
    let once = said.iter().filter(|line| line.contains("a connection cannot be accepted")).count();
    assert_eq!(once, 1, "{said:?}");
    drop(callers);
    // Nobody has to connect before it is ready again: a balancer sends nobody to a gateway that is not.
    let ready = async { while !http_get(admin, "/readyz").await.starts_with("HTTP/1.1 200") {} };
    timeout(SOON, ready).await.expect("it is ready again");
    while !log.try_iter().any(|line| line.contains("connections are accepted again")) {
        assert!(since.elapsed() < 2 * SOON, "the log says that connections are accepted again");
        assert_eq!(send(&gateway.grpc).await, Outcome::Accepted);
    }
    signal(&gateway.process, "-TERM");
    assert_eq!(ended(&mut gateway.process).await.code(), Some(0));
}

#[tokio::test]
async fn a_process_that_may_open_few_files_says_so_and_takes_fewer_callers() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let (mut gateway, log) = serve(&folder, &simulator, "ulimit -n 40;").await;
    let callers = callers(&gateway, 60);
    let admin: SocketAddr = gateway.admin.parse().unwrap();
    // A quarter of 40 files is for callers.
    page_says(admin, "fanfare_listener_connections{listener=\"grpc\"} 10\n").await;
    page_says(admin, "fanfare_listener_refused_total{listener=\"grpc\",reason=\"max_connections\"} 50\n")
        .await;
    page_says(admin, "fanfare_listener_refused_total{listener=\"grpc\",reason=\"descriptors\"} 0\n").await;
    drop(callers);
    page_says(admin, "fanfare_listener_connections{listener=\"grpc\"} 0\n").await;
    assert_eq!(send(&gateway.grpc).await, Outcome::Accepted);
    signal(&gateway.process, "-TERM");
    assert_eq!(ended(&mut gateway.process).await.code(), Some(0));
    let log: Vec<_> = log.iter().collect();
    let said = |text: &str| log.iter().filter(|line| line.contains(text)).count();
    assert_eq!(said("the process may open fewer files than upstream.max_connections"), 1, "{log:?}");
    assert!(said("the listener is full") > 0, "{log:?}");
}
