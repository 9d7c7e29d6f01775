//! The command line: a file for each command.

mod address;
mod batch;
mod check;
mod content;
mod demo;
mod descriptors;
mod json;
mod output;
mod send;
mod serve;
mod signals;
mod simulate;
mod subscription;
mod vapid_key;
mod whole;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::files::FileContent;
use output::tell;

/// The end of the process waits no longer for threads that still do something.
const LAST_THREADS: Duration = Duration::from_secs(1);

/// A gRPC push gateway: one truthful verdict per push.
#[derive(Debug, Parser)]
#[command(name = "fanfare", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Check(check::Check),
    Send(send::Send),
    Batch(batch::Batch),
    VapidKey(vapid_key::MakeVapidKey),
    Simulate(simulate::Simulate),
    Demo(demo::Demo),
}

/// What a command ended with.
enum Done {
    /// Exit code 0.
    Good,
    /// Exit code 1: it ran, and the answer is no.
    Bad,
    /// Exit code 2: it could not begin, and its log says why.
    NotBegun,
    /// Exit code 3: it broke off, and something has no answer.
    BrokenOff,
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return explain(&said),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(format_args!("error: the runtime cannot start: {error}"));
            return ExitCode::from(2);
        }
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve(serve) => serve.run().await,
            Command::Check(check) => check.run(),
            Command::Send(send) => send.run().await,
            Command::Batch(batch) => batch.run().await,
            Command::VapidKey(vapid_key) => vapid_key.run(),
            Command::Simulate(simulate) => simulate.run().await,
            Command::Demo(demo) => demo.run().await,
        }
    });
    // A resolver that hangs has a thread of its own, which would be waited for without end.
    runtime.shutdown_timeout(LAST_THREADS);
    match done {
        Ok(Done::Good) => ExitCode::SUCCESS,
        Ok(Done::Bad) => ExitCode::from(1),
        Ok(Done::NotBegun) => ExitCode::from(2),
        Ok(Done::BrokenOff) => ExitCode::from(3),
        Err(error) => {
            tell(format_args!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

/// Help and version on standard output, or what is wrong with the arguments.
fn explain(said: &clap::Error) -> ExitCode {
    match said.print() {
        Ok(()) if !said.use_stderr() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::from(2),
        Err(error) => {
            tell(format_args!("error: cannot write to standard output: {error}"));
            ExitCode::from(2)
        }
    }
}

/// The text of a file that the command line names; `-` is standard input.
fn read_text(file: &Path) -> anyhow::Result<String> {
    let name = if file.as_os_str() == "-" { "standard input".into() } else { file.to_string_lossy() };
    FileContent::read_input(file)
        .and_then(FileContent::into_text)
        .with_context(|| format!("cannot use {name}"))
}
