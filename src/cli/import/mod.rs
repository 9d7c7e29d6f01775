//! `fanfare import`: the configuration of another gateway becomes one of this.

mod sygnal;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};

use super::done::Done;
use super::new_file::write_new;
use super::output::{print, tell};
use crate::config::Config;

/// Makes a configuration from that of another gateway.
///
/// It writes fanfare.toml, and secrets that stand in the other file into files of their own, which only their owner may read.
/// Keys and certificates stay where they are. Nothing is overwritten. What could not be taken over is told on standard error
/// and at the top of fanfare.toml.
///
/// Exit code 0: the configuration was made, and `fanfare check` takes it; 1: it was made, and something has to be added first;
/// 2: it was not made.
#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    Sygnal(sygnal::ImportSygnal),
}

impl Import {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        match self.from {
            From::Sygnal(sygnal) => sygnal.run(),
        }
    }
}

/// Where an imported configuration is written.
#[derive(Debug, Args)]
struct Out {
    /// The folder that the files are written to.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// A configuration as it was made from another.
#[derive(Default)]
struct Imported {
    document: toml::Table,
    /// The name of each file that is written beside it, with what it holds, and what would be lost with an older one.
    secrets: Vec<(&'static str, SecretString, &'static str)>,
    /// What could not be taken over, and what an operator should know: a sentence each.
    remarks: Vec<String>,
}

impl Imported {
    fn remark(&mut self, sentence: impl Into<String>) {
        self.remarks.push(sentence.into());
    }

    /// Writes it, and looks whether a gateway takes it.
    fn write(self, from: &Path, out: &Path) -> anyhow::Result<Done> {
        let Self { document, secrets, remarks } = self;
        std::fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
        let file = out.join("fanfare.toml");
        let mut text =
            format!("# Made by `fanfare import` from {}.\n", one_line(&from.display().to_string()));
        for remark in &remarks {
            text.push_str(&format!("# - {}\n", one_line(remark)));
        }
        text.push('\n');
        text.push_str(&toml::to_string_pretty(&document).context("cannot write the configuration")?);
        // The configuration is first: where it exists already, nothing else is written.
        write_new(&file, &text, "a configuration")?;
        for (name, secret, lost) in &secrets {
            write_new(&out.join(name), secret.expose_secret(), lost)?;
        }
        print(file.display())?;
        for remark in &remarks {
            tell(remark);
        }
        match Config::load(&file) {
            Ok(_) => Ok(Done::Good),
            Err(errors) => {
                tell("A gateway does not take the configuration yet:");
                tell(errors);
                Ok(Done::Bad)
            }
        }
    }
}

/// A text without what would end a comment.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
