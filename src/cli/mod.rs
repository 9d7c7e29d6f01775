//! The command line: a file for each command.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line talks to people")]

mod batch;
mod check;
mod content;
mod demo;
mod json;
mod send;
mod serve;
mod simulate;
mod subscription;
mod vapid_key;

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

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
    /// Exit code 3: it broke off, and something has no answer.
    BrokenOff,
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime cannot start: {error}");
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
    match done {
        Ok(Done::Good) => ExitCode::SUCCESS,
        Ok(Done::Bad) => ExitCode::from(1),
        Ok(Done::BrokenOff) => ExitCode::from(3),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// A file's text; `-` is standard input.
fn read_text(file: &Path) -> anyhow::Result<String> {
    if file.as_os_str() != "-" {
        return std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
    Ok(text)
}

/// Waits for SIGTERM or SIGINT.
async fn told_to_stop() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
