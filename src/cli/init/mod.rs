//! `fanfare init`: writes a first configuration from the keys that are there.

mod answers;
mod apple;
mod collect;
mod flags;
mod key_file;
mod made;
mod questions;
mod text;

use std::io::{IsTerminal, stderr, stdin};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde_json::json;

use super::done::Done;
use super::doubts::Doubts;
use super::new_file::write_new;
use super::output::{print, print_json, tell};
use super::whole::{EVERYBODY, write_whole};
use crate::config::{Config, Overrides};
use crate::files::FilesRead;
use answers::Answers;
pub(super) use flags::Init;
use made::MadeFiles;
use questions::Questions;

impl Init {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        let to_output = self.to.as_os_str() == "-";
        self.expect_room(to_output)?;
        let is_terminal = stdin().is_terminal() && stderr().is_terminal();
        let mut questions = match is_terminal {
            true => Questions::on(stdin().lock(), stderr()),
            false => Questions::nobody(),
        };
        let answers = Answers::collect(&self, &mut questions)?;
        drop(questions);

        // Keys are named as they are found from the configuration, and what goes to standard output may be put anywhere.
        let folder = (!to_output).then(|| std::path::absolute(&self.to)).transpose()?;
        let folder = folder.as_deref().and_then(Path::parent);
        let mut made = MadeFiles::default();
        // What is made is told as the configuration was named, so that the words can be used as they are.
        let beside = if to_output { None } else { self.to.parent() };
        let keys = made.keys(&answers, beside, self.copy)?;
        let text = text::configuration(&answers, &keys, folder)?;
        let path = std::path::absolute(if to_output { Path::new("fanfare.toml") } else { &self.to })?;
        let read = Config::of_text(&path, &text, &Overrides::default(), &mut FilesRead::default());
        let mut config = read.context("no configuration comes of that")?;
        let doubts = Doubts::of(&mut config);
        if to_output {
            print(text.trim_end())?;
        } else if self.force {
            let written = write_whole(&self.to, &text, EVERYBODY);
            written.with_context(|| format!("cannot write {}", self.to.display()))?;
        } else {
            write_new(&self.to, &text, EVERYBODY, "the configuration in it (--force overwrites it)")?;
        }
        let files = made.keep();

        let config = if to_output { "fanfare.toml".into() } else { self.to.to_string_lossy() };
        let next = answers.next(&config);
        let doubts = doubts.unfit.iter().chain(&doubts.unwise);
        if self.json {
            let warnings: Vec<_> = doubts.map(ToString::to_string).collect();
            print_json(&json!({
                "file": self.to, "app": answers.app, "made": files, "warnings": warnings, "next": next,
            }))?;
            return Ok(Done::Good);
        }
        doubts.for_each(|doubt| tell(format_args!("warning: {doubt}")));
        files.iter().for_each(|file| tell(format_args!("{} is made, for you alone", file.display())));
        if !to_output {
            tell(format_args!("{config} is written"));
        }
        tell(format_args!("next:\n  {}", next.join("\n  ")));
        Ok(Done::Good)
    }

    /// Nobody should answer questions for a file that cannot be written.
    fn expect_room(&self, to_output: bool) -> anyhow::Result<()> {
        let shown = self.to.display();
        if to_output {
            ensure!(!self.json, "--json has no room on standard output beside the configuration of --to -");
            return Ok(());
        }
        if !self.force && self.to.symlink_metadata().is_ok() {
            bail!("{shown} exists already and is not overwritten without --force");
        }
        let folder = self.to.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            bail!("cannot write {shown}: its folder does not exist");
        }
        Ok(())
    }
}
