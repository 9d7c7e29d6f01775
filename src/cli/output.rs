//! Writes to standard output and standard error. `println!` and `eprintln!` panic when the reader of a pipe has left or a
//! disk is full, which would hide what became of a push; these functions do not.

use std::fmt::Display;
use std::io::{self, Write};

use anyhow::Context;
use serde::Serialize;

/// Writes to standard output, where results go.
///
/// # Errors
/// Fails if the result cannot be written. Each command says in its help what that means for its exit code.
pub(super) fn print(result: impl Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{result}").and_then(|()| out.flush());
    written.context("cannot write to standard output")
}

/// Writes to standard output. If that fails it only warns, because the exit code says what became of the command. A reader who
/// has left, such as `head`, has what it wanted, and nobody is told.
pub(super) fn print_or_tell(result: impl Display) {
    if let Err(error) = print(result)
        && !is_closed_pipe(&error)
    {
        tell(format_args!("warning: {error:#}"));
    }
}

/// Writes a text of which a reader may take a part, such as a manual page.
///
/// # Errors
/// Fails if the text cannot be written, unless its reader has left.
pub(super) fn print_text(text: impl Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Writes a document for machines, as every command with `--json` does.
///
/// # Errors
/// Fails as [`print`] does.
pub(super) fn print_json(document: &impl Serialize) -> anyhow::Result<()> {
    print(serde_json::to_string_pretty(document)?)
}

/// Whether something could not be written because its reader has left.
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Writes to standard error, where messages for people go. If that fails too, nobody is left to be told.
pub(super) fn tell(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
