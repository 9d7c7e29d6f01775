//! `fanfare man`: writes the manual pages.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command};

use super::done::Done;
use super::output::print_text;

/// Writes the manual pages: fanfare(1), and one for each command.
///
/// They say what --help says. The Debian package installs them.
///
/// Exit code 0: the pages were written, even if the reader of standard output left early; 2: they were not.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fanfare man | man -l -\n  fanfare man --dir /usr/local/share/man/man1")]
pub(super) struct MakeManual {
    /// The folder for the page of each command. It is made if it does not exist, and older pages are overwritten. By default
    /// fanfare(1) alone goes to standard output.
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl MakeManual {
    /// Writes the pages of this program.
    pub(super) fn run(self, program: Command) -> anyhow::Result<Done> {
        let Some(dir) = self.dir else {
            let mut page = Vec::new();
            clap_mangen::Man::new(program.disable_help_subcommand(true)).render(&mut page)?;
            print_text(String::from_utf8(page)?)?;
            return Ok(Done::Good);
        };
        std::fs::create_dir_all(&dir)
            .and_then(|()| clap_mangen::generate_to(program, &dir))
            .with_context(|| format!("cannot write to {}", dir.display()))?;
        Ok(Done::Good)
    }
}
