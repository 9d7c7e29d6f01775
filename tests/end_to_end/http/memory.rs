//! What the connections and bodies of strangers take of the gateway's memory.

use fanfare_simulator::Simulator;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;
use crate::batch_command::read;
use crate::harness::{TOPIC, figure, http_get};
use crate::killed::{Serving, serve};
use crate::secrets::write_config;

/// The connections that callers keep open.
const CONNECTIONS: usize = 10_000;

/// What each may take, in bytes: its tasks, and the buffer into which its first bytes are read.
const MOST_EACH: usize = 32 * 1024;

const MIB: usize = 1 << 20;

/// Where a homeserver sends its notifications.
const NOTIFY: &str = "/_matrix/push/v1/notify";

/// A gateway in a process of its own, with a listener for homeservers.
struct Watched {
    serving: Serving,
    address: SocketAddr,
    _simulator: Simulator,
    _folder: tempfile::TempDir,
}

impl Watched {
    /// Starts a gateway with these limits of its listener and of all.
    async fn start(of_listener: &str, limits: &str) -> Self {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
        let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        write_config(folder.path(), &simulator);
        let file = folder.path().join("fanfare.toml");
        let few = "max_connections = 10\n[admin]";
        let config = read(&file).replace("fanfare=trace,info", "warn").replace("[admin]", few);
        let http = format!("[[http]]\nlisten = \"127.0.0.1:0\"\nserve = [\"matrix\"]\n{of_listener}\n");
        std::fs::write(&file, format!("{config}\n[limits]\n{limits}\n{http}")).unwrap();
        let serving = serve(folder.path(), "gateway").await;
        let ready: serde_json::Value =
            serde_json::from_str(&read(&folder.path().join("gateway.json"))).unwrap();
        let address = ready["http"][0].as_str().unwrap().parse().unwrap();
        Self { serving, address, _simulator: simulator, _folder: folder }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// The sum of the samples of `/metrics` with this name.
    async fn metric(&self, name: &str) -> usize {
        let page = http_get(self.serving.admin.parse().unwrap(), "/metrics").await;
        let listener = format!("listener=\"http:{}\"", self.address);
        let lines = page.lines().filter(|line| line.starts_with(name) && line.contains(&listener));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }

    async fn until_open(&self, connections: usize) {
        let open = async { while self.metric("fanfare_listener_connections").await != connections {} };
        timeout(SOON, open).await.unwrap_or_else(|_| panic!("{connections} connections are open"));
    }

    /// Its resident memory, in bytes. Source: proc_pid_status(5).
    fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.serving.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }
}

#[tokio::test]
async fn ten_thousand_idle_connections_take_little_and_others_are_served() {
    // The listener takes one more, and the one after it finds no place. By default they would have to begin within ten seconds.
    let of_listener =
        format!("max_connections = {}\nhandshake_timeout = \"10m\"\nidle_timeout = \"10m\"", CONNECTIONS + 1);
    let watched = Watched::start(&of_listener, "").await;
    let before = watched.resident();
    let mut idle = Vec::new();
    while idle.len() < CONNECTIONS {
        let mut stream = watched.connect().await;
        // Half of them keep their connection after a call, and half have begun a first one.
        if idle.len() % 2 == 0 {
            stream.write_all(b"POST / HTTP/1.1\r\nhost:").await.unwrap();
        } else {
            stream.write_all(post("/", "").as_bytes()).await.unwrap();
            one_answer(&mut stream).await;
        }
        idle.push(stream);
    }
    watched.until_open(CONNECTIONS).await;
    let grew = watched.resident().saturating_sub(before);
    let each = grew as f64 / CONNECTIONS as f64 / 1024.0;
    figure(&format!("{CONNECTIONS} idle HTTP connections: {each:.1} KiB each"));
    assert!(grew < CONNECTIONS * MOST_EACH, "{grew} bytes");
    let mut last = watched.connect().await;
    last.write_all(post(NOTIFY, "").as_bytes()).await.unwrap();
    one_answer(&mut last).await;
    assert_eq!(rest(watched.connect().await).await, "");
    drop((idle, last));
    watched.until_open(0).await;
}

/// Each body is as large as it may be, and its last byte never comes.
#[tokio::test]
async fn bodies_that_do_not_end_take_no_more_than_the_budget_and_then_nothing() {
    const BODIES: usize = 400;
    // A buffer that grows takes up to twice the bytes that are in it, and for a moment the former one as well.
    const MOST: usize = 3 * 32 * MIB + BODIES * MOST_EACH;
    let limits = format!("max_held_bytes = {}", 32 * MIB);
    let of_listener = format!("max_body_bytes = {MIB}\nbody_timeout = \"3s\"");
    let watched = Watched::start(&of_listener, &limits).await;
    let before = watched.resident();
    let head = format!("POST {NOTIFY} HTTP/1.1\r\nhost: gateway\r\ncontent-length: {MIB}\r\n\r\n");
    let flood = [head.as_bytes(), &vec![b' '; MIB - 1]].concat();
    let bodies = (0..BODIES).map(async |_| {
        let mut stream = watched.connect().await;
        // It is refused while it writes, or when its time is over.
        let _ = stream.write_all(&flood).await;
        rest(stream).await
    });
    let mut peak = 0;
    let all = futures_util::future::join_all(bodies);
    let mut all = std::pin::pin!(all);
    let said = loop {
        let look = tokio::time::sleep(std::time::Duration::from_millis(50));
        tokio::select! {
            said = &mut all => break said,
            () = look => peak = peak.max(watched.resident()),
        }
    };
    let grew = peak.saturating_sub(before);
    figure(&format!("{BODIES} HTTP bodies of 1 MiB that do not end: {:.1} MiB", grew as f64 / MIB as f64));
    assert!(grew < MOST, "{grew} bytes");
    // Of an answer to a caller that goes on writing, its socket may have nothing left.
    let statuses = said.iter().filter(|said| !said.is_empty()).map(|said| status_of(said));
    assert!(
        statuses.clone().all(|status| status == 503 || status == 408),
        "{:?}",
        statuses.collect::<Vec<_>>()
    );
    assert_eq!(watched.metric("fanfare_http_refusals_total").await, BODIES);
    watched.until_open(0).await;
    let mut stream = watched.connect().await;
    stream.write_all(post(NOTIFY, "").as_bytes()).await.unwrap();
    one_answer(&mut stream).await;
}
