//! What an operator does to a gateway that serves: its files change, signals come, the environment says a part of the
//! configuration, systemd listens.

mod environment;
mod files;
#[cfg(target_os = "linux")]
mod starting;
mod systemd;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fanfare_simulator::Simulator;

use crate::harness::{TOPIC, good, http_get, push, until};
use crate::killed::{Serving, serve_by};
use crate::secrets::write_config;
use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{self, Outcome};

pub(super) type Client = PushServiceClient<tonic::transport::Channel>;

/// A folder with a configuration whose files are looked at often, and the simulator that it leads to.
pub(super) async fn folder(reload: &str) -> (tempfile::TempDir, Simulator) {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    write_config(folder.path(), &simulator);
    let file = folder.path().join("fanfare.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}[reload]\n{reload}\n")).unwrap();
    (folder, simulator)
}

/// A gateway with its log in a file.
pub(super) struct Operated {
    pub(super) serving: Serving,
    log: PathBuf,
}

impl Operated {
    /// Starts it in a folder, with these environment variables.
    pub(super) async fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let log = folder.join("log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
        command.envs(variables.iter().copied());
        command.stderr(Stdio::from(std::fs::File::create(&log).unwrap()));
        let serving = serve_by(&mut command, folder, "gateway").await;
        Self { serving, log }
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// How many lines of the log have all of these parts.
    pub(super) fn lines(&self, parts: &[&str]) -> usize {
        self.log().lines().filter(|line| parts.iter().all(|part| line.contains(part))).count()
    }

    pub(super) async fn until_logged(&self, parts: &[&str]) {
        until(|| self.lines(parts) > 0).await;
    }

    /// The value of a metric that is one line of the page.
    pub(super) async fn metric(&self, name: &str) -> Option<f64> {
        let page = http_get(self.serving.admin.parse().unwrap(), "/metrics").await;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        value.parse().ok()
    }

    pub(super) async fn client(&self) -> Client {
        PushServiceClient::connect(self.serving.grpc.clone()).await.unwrap()
    }
}

/// What comes of a push of this app.
pub(super) async fn outcome_for(client: &mut Client, app: &str) -> Outcome {
    let one = proto::Push { app: app.to_owned(), ..push(&good(1)) };
    let request = proto::SendPushRequest { push: Some(Box::new(one)) };
    client.send_push(request).await.unwrap().into_inner().result.unwrap().outcome()
}
