//! `fanfare serve`

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{Done, told_to_stop};
use crate::app::{Gateway, Network};
use crate::config::Config;
use crate::telemetry;

/// Runs the gateway until SIGTERM or SIGINT, then drains.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fanfare serve --config fanfare.toml\n  FANFARE_CONFIG=/etc/fanfare.toml fanfare serve"
)]
pub(super) struct Serve {
    /// The configuration.
    #[arg(long, env = "FANFARE_CONFIG", default_value = "fanfare.toml")]
    config: PathBuf,
    /// Written once the listeners are open: {"grpc":"ADDRESS","admin":"ADDRESS"}.
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        let config = Config::load(&self.config)?;
        let _log = telemetry::init(&config.log)?;
        let gateway = Gateway::start(config, Network::default()).await?;
        if let Some(file) = &self.ready_file {
            let (grpc, admin) = (gateway.grpc_address(), gateway.admin_address());
            let ready = format!("{{\"grpc\":\"{grpc}\",\"admin\":\"{admin}\"}}\n");
            write_whole(file, &ready).with_context(|| format!("cannot write {}", file.display()))?;
        }
        told_to_stop().await?;
        gateway.shut_down().await;
        Ok(Done::Good)
    }
}

/// Writes a file that nobody sees half of.
pub(super) fn write_whole(file: &std::path::Path, content: &str) -> std::io::Result<()> {
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, content)?;
    std::fs::rename(&part, file)
}
