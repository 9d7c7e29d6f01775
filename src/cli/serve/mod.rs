//! `fanfare serve`: runs the gateway.

mod files;
mod reload;
mod supervisor;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

use super::descriptors::raise_limit;
use super::done::Done;
use super::doubts::Doubts;
use super::signals::{StopSignals, hangups};
use super::whole::{EVERYBODY, write_whole};
use crate::app::{Gateway, Network};
use crate::config::{Config, Overrides};
use crate::files::FilesRead;
use crate::telemetry;
use files::WatchedFiles;
use reload::{SERVING, Source};

/// Runs the gateway until SIGTERM or SIGINT, then drains.
///
/// From the signal on /readyz and the health checks say that it is not ready. It takes calls for limits.drain_delay more, then
/// sends its callers elsewhere and waits for their pushes for limits.drain_timeout. A second signal ends the delay at once.
///
/// The log goes to standard error. If that cannot be written, lines are dropped and counted.
///
/// The configuration is read again on SIGHUP, and when a file of it has changed ([reload] in the configuration). Apps, keys,
/// certificates, callers and most limits hold from then on, and no push is lost, sent twice or refused for it. What needs a
/// restart is named in the log. If the configuration is wrong, everything stays as it is.
///
/// Environment variables say what the file would: FANFARE__GRPC__LISTEN is listen in [grpc]. Their values are TOML, or texts.
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
        // Whoever asks for the configuration to be read again does not know how far the gateway is. One that has not read it yet
        // reads it once more.
        let hangups = hangups()?;
        let overrides = Arc::new(Overrides::of_environment());
        let source = Arc::new(Source { file: self.config.clone(), overrides });
        let (config, files) = source.read();
        let config = config?;
        let (_log, exporting) = telemetry::init_with_traces(&config.log, &config.traces)?;
        let served = self.serve(&source, config, files, hangups).await;
        if let Some(exporting) = exporting {
            exporting.end().await;
        }
        match served {
            Ok(()) => Ok(Done::Good),
            // From here on everything is said by the log, because whoever reads standard error expects its lines.
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the gateway cannot start");
                Ok(Done::NotBegun)
            }
        }
    }

    async fn serve(
        self,
        source: &Arc<Source>,
        mut config: Config,
        files: FilesRead,
        mut hangups: Signal,
    ) -> anyhow::Result<()> {
        let mut stop = StopSignals::listen()?;
        let doubts = Doubts::of(&mut config);
        let mut files = WatchedFiles::new(config.reload, files);
        raise_limit();
        let gateway = Gateway::start(config, Network::default()).await?;
        doubts.log();
        let overrides: Vec<_> = source.overrides.names().collect();
        if !overrides.is_empty() {
            tracing::info!(
                variables = overrides.join(" "),
                "environment variables say a part of the configuration"
            );
        }
        if let Some(file) = &self.ready_file {
            let (grpc, admin) = (gateway.grpc_address(), gateway.admin_address());
            let http = serde_json::json!(gateway.http_addresses());
            let ready = format!("{{\"grpc\":\"{grpc}\",\"admin\":\"{admin}\",\"http\":{http}}}\n");
            if let Err(error) = write_whole(file, &ready, EVERYBODY) {
                // Whoever waits for the file would never learn of this gateway, so it must not run.
                gateway.shut_down().await;
                return Err(error).with_context(|| format!("cannot write {}", file.display()));
            }
        }
        let lives = CancellationToken::new();
        let watchdog = tokio::spawn(supervisor::live(lives.clone()));
        supervisor::ready(SERVING);
        loop {
            let cause = tokio::select! {
                () = stop.wait() => break,
                _ = hangups.recv() => "SIGHUP",
                () = files.changed() => "a file has changed",
            };
            supervisor::reloading();
            // A network file system that does not answer holds up the reading, and the gateway can be ended all the same.
            let status = tokio::select! {
                () = stop.wait() => break,
                status = source.reload(&gateway, &mut files, cause) => status,
            };
            supervisor::ready(status);
        }
        supervisor::stopping();
        gateway.shut_down_hurried_by(stop.wait()).await;
        lives.cancel();
        let _ = watchdog.await;
        Ok(())
    }
}
