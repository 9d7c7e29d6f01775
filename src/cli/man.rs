//! `fanfare man`: writes the manual pages.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Command};
use clap_mangen::Man;

use super::done::Done;
use super::output::print_text;
use crate::version::commit_date;

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
        let mut program = program.disable_help_subcommand(true);
        program.build();
        let Some(dir) = self.dir else {
            print_text(page(program)?)?;
            return Ok(Done::Good);
        };
        std::fs::create_dir_all(&dir)
            .map_err(anyhow::Error::from)
            .and_then(|()| write(program, &dir))
            .with_context(|| format!("cannot write to {}", dir.display()))?;
        Ok(Done::Good)
    }
}

/// Writes the page of a command, and those of all commands below it.
fn write(command: Command, dir: &Path) -> anyhow::Result<()> {
    for below in command.get_subcommands() {
        write(below.clone(), dir)?;
    }
    let file = dir.join(Man::new(command.clone()).get_filename());
    std::fs::write(file, page(command)?)?;
    Ok(())
}

/// The page of a command. Its head names the version; without a date, roff would take the version for one.
fn page(command: Command) -> anyhow::Result<String> {
    let mut page = Vec::new();
    let source = concat!("fanfare ", env!("CARGO_PKG_VERSION"));
    Man::new(command).date(commit_date()).source(source).manual("Fanfare").render(&mut page)?;
    Ok(String::from_utf8(page)?.replace("\n.SH EXTRA\n", "\n.SH NOTES\n"))
}
