//! `fanfare serve`: runs the gateway.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::descriptors::raise_limit;
use super::done::Done;
use super::signals::{StopSignals, hangups};
use super::whole::{EVERYBODY, write_whole};
use crate::app::{Gateway, Network};
use crate::config::Config;
use crate::telemetry;

/// Runs the gateway until SIGTERM or SIGINT, then drains.
///
/// From the signal on /readyz and the health checks say that it is not ready. It takes calls for limits.drain_delay more, then
/// sends its callers elsewhere and waits for their pushes for limits.drain_timeout. A second signal ends the delay at once.
///
/// The log goes to standard error. If that cannot be written, lines are dropped and counted.
///
/// On SIGHUP the callers are read anew from the configuration: what each may do holds for the next push, also on streams that
/// are open. If the file is wrong, everything stays as it is. Where it has no callers any more, nobody may call; everything
/// else in the file needs a restart.
///
/// Exit code 0: the gateway served and has drained; 2: it could not start.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  fanfare serve --config fanfare.toml\n  FANFARE_CONFIG=/etc/fanfare.toml fanfare serve"
)]
pub(super) struct Serve {
    /// The configuration file.
    #[arg(long, env = "FANFARE_CONFIG", default_value = "fanfare.toml")]
    config: PathBuf,
    /// A file to write once the listeners are open, with {"grpc":"ADDRESS","admin":"ADDRESS"}.
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        let config = Config::load(&self.config)?;
        let _log = telemetry::init(&config.log)?;
        match self.serve(config).await {
            Ok(()) => Ok(Done::Good),
            // From here on everything is said by the log, because whoever reads standard error expects its lines.
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the gateway cannot start");
                Ok(Done::NotBegun)
            }
        }
    }

    async fn serve(self, mut config: Config) -> anyhow::Result<()> {
        let (mut stop, mut hangups) = (StopSignals::listen()?, hangups()?);
        let warnings = std::mem::take(&mut config.warnings);
        raise_limit();
        let gateway = Gateway::start(config, Network::default()).await?;
        for warning in warnings {
            tracing::warn!(key = warning.key, %warning, "the configuration is unwise");
        }
        if let Some(file) = &self.ready_file {
            let (grpc, admin) = (gateway.grpc_address(), gateway.admin_address());
            let ready = format!("{{\"grpc\":\"{grpc}\",\"admin\":\"{admin}\"}}\n");
            if let Err(error) = write_whole(file, &ready, EVERYBODY) {
                // Whoever waits for the file would never learn of this gateway, so it must not run.
                gateway.shut_down().await;
                return Err(error).with_context(|| format!("cannot write {}", file.display()));
            }
        }
        loop {
            tokio::select! {
                () = stop.wait() => break,
                _ = hangups.recv() => change_callers(&gateway, self.config.clone()).await,
            }
        }
        gateway.shut_down_hurried_by(stop.wait()).await;
        Ok(())
    }
}

/// Reads the callers anew. Where the file is wrong, those of before stay.
async fn change_callers(gateway: &Gateway, file: PathBuf) {
    // Reading files blocks its thread.
    match tokio::task::spawn_blocking(move || Config::load(&file)).await {
        Ok(Ok(config)) => gateway.change_callers(config.callers),
        Err(error) => tracing::error!(%error, "the configuration was not read"),
        Ok(Err(errors)) => {
            for error in errors.0 {
                tracing::error!(key = error.key, %error, "the configuration is wrong, so nothing was changed");
            }
        }
    }
}
