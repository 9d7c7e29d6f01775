//! `fanfare import sygnal`: the configuration of the push gateway of Matrix that most homeservers use.
//!
//! Source: sygnal 0.17.0, `sygnal.yaml.sample` and what its code reads beside it.

mod apns;
mod apps;
mod fcm;
mod gateway;
mod members;
mod topic;
mod web_push;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use super::{Imported, Out};
use crate::cli::done::Done;
use crate::cli::named_file::read_text;
use members::Members;

/// Makes a configuration from one of sygnal.
///
/// Apps, keys, certificates, addresses and the proxy are taken over. docs/matrix.md says what differs.
///
/// Exit code 0: the configuration was made, and `fanfare check` takes it; 1: it was made, and something has to be added first;
/// 2: it was not made.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  fanfare import sygnal /etc/sygnal/sygnal.yaml --out /etc/fanfare")]
pub(super) struct ImportSygnal {
    /// The configuration of sygnal.
    #[arg(value_name = "CONFIG.yaml")]
    config: PathBuf,
    #[command(flatten)]
    out: Out,
}

impl ImportSygnal {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        let text = read_text(&self.config)?;
        let proxy = std::env::var("HTTPS_PROXY").ok();
        let imported = import(&text, &Files::of(&self.config), proxy.as_deref())
            .with_context(|| format!("cannot use {}", self.config.display()))?;
        imported.write(&self.config, &self.out.out)
    }
}

/// Makes a configuration. `proxy` is what the environment names as one.
fn import(text: &str, files: &Files, proxy: Option<&str>) -> anyhow::Result<Imported> {
    let document: Value = serde_saphyr::from_str(text).context("it is no YAML")?;
    let mut document = Members::of(document).context("expected a mapping, found something else")?;
    let mut imported = Imported::default();
    let matrix_apps = apps::take(&mut imported, &mut document, files)?;
    gateway::take(&mut imported, &mut document, matrix_apps, proxy)?;
    document.remark_rest(&mut imported, "");
    Ok(imported)
}

/// The files that a configuration of sygnal names.
struct Files {
    /// The folder of the configuration.
    folder: PathBuf,
}

impl Files {
    fn of(config: &Path) -> Self {
        Self { folder: config.parent().unwrap_or(Path::new("")).to_owned() }
    }

    /// The whole path of a file. sygnal looks for files where it was started, which is mostly where its configuration is.
    fn path(&self, imported: &mut Imported, name: &str) -> String {
        let beside = self.folder.join(name);
        let found = [Path::new(name), &beside].into_iter().find(|path| path.is_file());
        if found.is_none() {
            imported.remark(format!("The file {name:?} was not found; correct its path."));
        }
        let path = found.unwrap_or(&beside);
        std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests;
