//! The gateway's memory stays flat, whatever its callers claim, send or leave unread.

mod attacks;
mod budget;
mod frames;
mod items;
mod raw_call;

use std::net::SocketAddr;

use fanfare::proto::{self, Outcome};
use fanfare_simulator::Simulator;
use tonic::transport::Endpoint;

use crate::batch_command::read;
use crate::harness::{TOPIC, figure, good, push};
use crate::killed::{Serving, serve};
use crate::secrets::write_config;
use raw_call::RawCaller;

/// A gateway in a process of its own, whose memory is looked at.
struct Watched {
    simulator: Simulator,
    serving: Serving,
    /// The peak of its resident memory before a test began, in bytes.
    idle: usize,
    _folder: tempfile::TempDir,
}

impl Watched {
    /// Starts a gateway with these limits of `[limits]`, which logs little.
    async fn start(limits: &str) -> Self {
        let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        write_config(folder.path(), &simulator);
        let file = folder.path().join("fanfare.toml");
        let config = read(&file).replace("fanfare=trace,info", "warn");
        std::fs::write(&file, format!("{config}\n[limits]\n{limits}\n")).unwrap();
        let serving = serve(folder.path(), "gateway").await;
        let mut watched = Self { simulator, serving, idle: 0, _folder: folder };
        // What the first push costs once is no part of what an attack costs.
        watched.good_push(good(0)).await;
        watched.idle = watched.peak();
        watched
    }

    fn address(&self) -> SocketAddr {
        self.serving.grpc.trim_start_matches("http://").parse().unwrap()
    }

    async fn attacker(&self) -> RawCaller {
        RawCaller::connect(self.address()).await
    }

    /// A push of a caller with a connection of its own is accepted.
    async fn good_push(&self, token: String) {
        let channel = Endpoint::from_shared(self.serving.grpc.clone()).unwrap().connect().await.unwrap();
        let request = proto::SendPushRequest { push: Some(Box::new(push(&token))) };
        let mut client = proto::push_service_client::PushServiceClient::new(channel);
        let result = client.send_push(request).await.unwrap().into_inner().result.unwrap();
        assert_eq!(result.outcome(), Outcome::Accepted);
    }

    /// The peak of its resident memory, in bytes. Source: proc_pid_status(5).
    fn peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.serving.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// Holds what an attack has cost against what it may: by how much the gateway took more than an idle one at most, in
    /// bytes. Where `FANFARE_FIGURES` names a file, the cost is added to it as a line.
    fn cost(&self, attack: &str, most: usize) {
        let grew = self.peak() - self.idle;
        let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
        figure(&format!("{attack}: {:.1} MiB beside {:.1} when idle", mib(grew), mib(self.idle)));
        assert!(grew < most, "{attack}: {grew} bytes, at most {most}");
    }
}
