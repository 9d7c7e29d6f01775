//! The configuration is read again: what holds from then on, or why everything stays as it is.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::doubts::Doubts;
use super::files::WatchedFiles;
use crate::app::{Gateway, Reloaded};
use crate::config::{Config, ConfigErrors, Overrides};
use crate::files::FilesRead;
use crate::telemetry::AUDIT;

/// How the gateway serves where the newest configuration holds.
pub(super) const SERVING: &str = "serving";

/// How it serves where the newest is wrong.
const SERVING_BY_A_FORMER_ONE: &str = "serving by an earlier configuration, since the newest cannot be used";

/// Where the configuration is.
pub(super) struct Source {
    pub(super) file: PathBuf,
    pub(super) overrides: Arc<Overrides>,
}

impl Source {
    /// Reads it, and the files that it was read from.
    pub(super) fn read(&self) -> (Result<Config, ConfigErrors>, FilesRead) {
        let mut files = FilesRead::default();
        let config = Config::read(&self.file, &self.overrides, &mut files);
        (config.and_then(|config| config.with_standard_variables(|name| std::env::var(name).ok())), files)
    }

    /// Reads it again, and lets the gateway go by it. Where it is wrong, everything stays as it is. Returns in a few words how
    /// the gateway serves from then on.
    ///
    /// # Cancel safety
    /// Nothing has changed when the future is dropped before it is done.
    pub(super) async fn reload(
        self: &Arc<Self>,
        gateway: &Gateway,
        files: &mut WatchedFiles,
        cause: &'static str,
    ) -> &'static str {
        let source = Arc::clone(self);
        // Reading files blocks its thread.
        let (config, read) = match tokio::task::spawn_blocking(move || source.read()).await {
            Ok(done) => done,
            Err(error) => {
                return failed(gateway, cause, || tracing::error!(%error, "the configuration was not read"));
            }
        };
        files.were_read(read);
        let mut config = match config {
            Ok(config) => config,
            Err(errors) => {
                return failed(gateway, cause, || {
                    for error in errors.0 {
                        // A text that is no TOML is wrong at no key.
                        let key = (!error.key.is_empty()).then_some(&error.key);
                        tracing::error!(key, %error, "the configuration is wrong, so nothing was changed");
                    }
                });
            }
        };
        let (settings, doubts) = (config.reload, Doubts::of(&mut config));
        match gateway.reload(config) {
            Ok(reloaded) => {
                doubts.log();
                files.change(settings);
                held(gateway, cause, &reloaded);
                SERVING
            }
            Err(error) => failed(gateway, cause, || {
                tracing::error!(%error, "the configuration cannot be used, so nothing was changed");
            }),
        }
    }
}

fn held(gateway: &Gateway, cause: &'static str, reloaded: &Reloaded) {
    let Reloaded { changed, needs_restart } = reloaded;
    gateway.metrics().reloads.held(!changed.is_empty());
    let (changed, needs_restart) = (changed.join(" "), needs_restart.join(" "));
    if !needs_restart.is_empty() {
        tracing::warn!(keys = needs_restart, "what these keys say holds after a restart");
    }
    tracing::info!(target: AUDIT, cause, result = "holds", changed, needs_restart, "the configuration was read again");
}

fn failed(gateway: &Gateway, cause: &'static str, tell: impl FnOnce()) -> &'static str {
    gateway.metrics().reloads.failed();
    tell();
    tracing::info!(target: AUDIT, cause, result = "failed", "the configuration was read again, and the one before it holds");
    SERVING_BY_A_FORMER_ONE
}
