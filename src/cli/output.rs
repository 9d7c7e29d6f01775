//! What a command says. `println!` and `eprintln!` panic where the reader of a pipe has left or a disk is full, which would
//! hide what became of a push; nothing here does.

use std::fmt::Display;
use std::io::{self, Write};

use anyhow::Context;

/// Writes to standard output, where results go.
///
/// # Errors
/// Where they are not written. Each command says in its help what that means for its exit code.
pub(super) fn print(result: impl Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{result}").and_then(|()| out.flush());
    written.context("cannot write to standard output")
}

/// The same, where the exit code alone says what became of the command.
pub(super) fn print_or_tell(result: impl Display) {
    if let Err(error) = print(result) {
        tell(format_args!("warning: {error:#}"));
    }
}

/// Writes to standard error, where what people read goes. Where that is gone too, nobody is left to be told.
pub(super) fn tell(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
