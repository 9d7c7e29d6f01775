//! `fanfare completions`: writes what a shell needs to complete commands and flags.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::done::Done;
use super::output::print_text;

/// Writes a script by which a shell completes commands and flags.
///
/// The Debian package installs those of bash, zsh and fish.
///
/// Exit code 0: the script was written, even if its reader left early; 2: it was not.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fanfare completions bash > ~/.local/share/bash-completion/completions/fanfare
  fanfare completions zsh > ~/.zfunc/_fanfare
  fanfare completions fish > ~/.config/fish/completions/fanfare.fish")]
pub(super) struct MakeCompletions {
    /// The shell.
    shell: Shell,
}

impl MakeCompletions {
    /// Writes the script for this program.
    pub(super) fn run(self, mut program: Command) -> anyhow::Result<Done> {
        let mut script = Vec::new();
        generate(self.shell, &mut program, "fanfare", &mut script);
        print_text(String::from_utf8(script)?)?;
        Ok(Done::Good)
    }
}
