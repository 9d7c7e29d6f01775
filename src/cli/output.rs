//! Writes to standard output and standard error. `println!` and `eprintln!` panic when the reader of a pipe has left or a
//! disk is full, which would hide what became of a push; these functions do not.

use std::fmt::Display;
use std::io::{self, Write};

use anyhow::Context;

/// Writes to standard output, where results go.
///
/// # Errors
/// Fails if the result cannot be written. Each command says in its help what that means for its exit code.
pub(super) fn print(result: impl Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{result}").and_then(|()| out.flush());
    written.context("cannot write to standard output")
}

/// Writes to standard output. If that fails it only warns, because the exit code says what became of the command.
pub(super) fn print_or_tell(result: impl Display) {
    if let Err(error) = print(result) {
        tell(format_args!("warning: {error:#}"));
    }
}

/// Writes to standard error, where messages for people go. If that fails too, nobody is left to be told.
pub(super) fn tell(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
