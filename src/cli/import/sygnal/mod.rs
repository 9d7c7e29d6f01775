//! `fanfare import sygnal`: the configuration of the push gateway of Matrix that most homeservers use.
//!
//! Source: sygnal 0.17.0, `sygnal.yaml.sample` and what its code reads beside it.

mod apns;
mod apps;
mod fcm;
mod gateway;
mod made;
mod members;
mod taken;
#[cfg(test)]
mod tests;
mod topic;
mod web_push;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::Value;
use serde_saphyr::DuplicateKeyPolicy;

use super::named::Folders;
use crate::cli::done::Done;
use crate::cli::named_file::read_text;
use made::Made;
use members::Members;

/// From the configuration of sygnal, a push gateway of Matrix.
///
/// Reads its configuration file, and HTTPS_PROXY of the environment where that names no proxy, as sygnal does. Files that are
/// named by relative paths are looked for beside the configuration, in the folder above it and in the working folder, and are
/// named by absolute paths from then on. docs/matrix.md says how to change over, and back.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fanfare import sygnal /etc/sygnal/sygnal.yaml --out /etc/fanfare")]
pub(in crate::cli) struct ImportSygnal {
    /// The configuration of sygnal, in YAML.
    config: PathBuf,
    /// The folder for what is written. It is made if it is not there.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

impl ImportSygnal {
    pub(super) fn run(self, as_json: bool) -> anyhow::Result<Done> {
        let text = read_text(&self.config)?;
        let folders = Folders::around(&self.config);
        let proxy = std::env::var("HTTPS_PROXY").ok().filter(|url| !url.is_empty());
        let made = import(&text, &folders, proxy.as_deref());
        made.with_context(|| format!("cannot use {}", self.config.display()))?
            .imported()?
            .write(&self.out, as_json)
    }
}

/// Turns a configuration, and what the environment names as a proxy, into ours.
fn import(text: &str, folders: &Folders, proxy: Option<&str>) -> anyhow::Result<Made> {
    // To YAML that is an empty mapping, and nothing would be left to do.
    ensure!(!text.trim().is_empty(), "the file is empty");
    // An excerpt of the file beside the error could show a password. Of a key that is there twice the last one counts, as
    // sygnal's YAML has it.
    let options = serde_saphyr::options! {
        with_snippet: false,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
    };
    let document: Value = serde_saphyr::from_str_with_options(text, options).context("it is no YAML")?;
    let mut document = Members::of(document).context("expected a mapping, found something else")?;
    let mut made = Made::default();
    let matrix_apps = apps::take(&mut made, &mut document, folders)?;
    gateway::take(&mut made, &mut document, &matrix_apps, proxy);
    document.note_rest(&mut made, "");
    Ok(made)
}
