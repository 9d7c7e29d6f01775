//! How a command ended.

use std::process::ExitCode;

/// The exit codes of all commands, as help and docs/cli.md list them. Each command says in its help what they mean for it.
pub(super) const EXIT_CODES: [(u8, &str); 4] = [
    (0, "The command did its work, and what it found is good."),
    (1, "The command did its work, and something of what it found is not good."),
    (
        2,
        "The command did not do its work: wrong usage, or a file, an address or an output that cannot be used.",
    ),
    (3, "The command broke off: a part of its work is done, and the rest is not."),
];

/// How a command ended, which is its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Done {
    /// The command ran, and its answer is yes.
    Good = 0,
    /// The command ran, and its answer is no.
    Bad = 1,
    /// The command could not begin, and has said why.
    NotBegun = 2,
    /// The command broke off, and a part of its work has no answer.
    BrokenOff = 3,
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        Self::from(done as u8)
    }
}

/// The exit codes as the end of the help.
pub(super) fn exit_codes() -> String {
    let lines = EXIT_CODES.map(|(code, meaning)| format!("\n  {code}  {meaning}"));
    format!("Exit codes:{}", lines.concat())
}
