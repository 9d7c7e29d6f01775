//! `fanfare import`: turns the configuration of another push gateway into one of this.

mod imported;
mod mattermost;
mod named;
mod proxy;
mod sygnal;
mod toml_text;

use clap::{Args, Subcommand};

use super::done::Done;

/// Turns the configuration of another push gateway into one of this.
///
/// Writes fanfare.toml, and a file for each secret that stands in the other configuration itself, which only its owner may read.
/// An existing file is never overwritten. Standard error tells what the other gateway has and this one has not, and what
/// `fanfare check` would find in the new configuration.
///
/// Exit code 0: all that delivers pushes was carried over, and the configuration is good; 1: something has to be completed by
/// hand; 2: nothing was written.
#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(subcommand)]
    from: From,
    /// Tell what was written as one JSON document on standard output: `file`, `secrets` (the files of secrets), `good`, `notes`
    /// and `to_do`.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum From {
    MattermostPushProxy(mattermost::MattermostPushProxy),
    Sygnal(sygnal::ImportSygnal),
}

impl Import {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        match self.from {
            From::MattermostPushProxy(proxy) => proxy.run(self.json),
            From::Sygnal(sygnal) => sygnal.run(self.json),
        }
    }
}
