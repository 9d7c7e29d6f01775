//! The command line. Each command has a file or a folder here.

mod batch;
mod caller_key;
mod check;
mod completions;
mod content;
mod demo;
mod descriptors;
mod done;
mod doubts;
mod gateway;
mod import;
mod init;
mod json;
mod man;
mod named_file;
mod new_file;
mod output;
#[cfg(test)]
mod reference;
mod send;
mod serve;
mod signals;
mod simulate;
mod subscription;
mod top;
mod vapid_key;
mod whole;

use std::io::ErrorKind;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

use crate::version::{self, Commit};
use done::{Done, exit_codes};
use output::tell;

/// How long the end of the process waits for threads that are still at work.
const LAST_THREADS: Duration = Duration::from_secs(1);

/// A gRPC push gateway: one truthful verdict per push.
#[derive(Debug, Parser)]
#[command(name = "fanfare", version = version::line(), max_term_width = 100, after_help = exit_codes())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Serve(serve::Serve),
    Check(check::Check),
    Send(send::Send),
    Batch(batch::Batch),
    Top(top::Top),
    VapidKey(vapid_key::MakeVapidKey),
    CallerKey(caller_key::MakeCallerKey),
    Import(import::Import),
    Simulate(simulate::Simulate),
    Demo(demo::Demo),
    Completions(completions::MakeCompletions),
    Man(man::MakeManual),
}

/// Runs the command that the process was started with. `commit` is what the program is built from.
#[must_use]
pub fn run(commit: Commit) -> ExitCode {
    version::is_built_from(commit);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(format_args!("error: the runtime cannot start: {error}"));
            return Done::NotBegun.into();
        }
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Init(init) => init.run(),
            Command::Serve(serve) => serve.run().await,
            // It is boxed because it holds the parts of a gateway, which the others do not.
            Command::Check(check) => Box::pin(check.run()).await,
            Command::Send(send) => send.run().await,
            Command::Batch(batch) => batch.run().await,
            Command::Top(top) => top.run().await,
            Command::VapidKey(vapid_key) => vapid_key.run(),
            Command::CallerKey(caller_key) => caller_key.run(),
            Command::Import(import) => import.run(),
            Command::Simulate(simulate) => simulate.run().await,
            Command::Demo(demo) => demo.run().await,
            Command::Completions(completions) => completions.run(Cli::command()),
            Command::Man(manual) => manual.run(Cli::command()),
        }
    });
    // A name lookup that hangs holds a thread of the runtime, which would be waited for without end.
    runtime.shutdown_timeout(LAST_THREADS);
    done.unwrap_or_else(|error| {
        tell(format_args!("error: {error:#}"));
        Done::NotBegun
    })
    .into()
}

/// Prints what clap answers instead of a command: help or version on standard output, or what is wrong with the arguments
/// on standard error. A reader who has left has read enough of it.
fn explain(answer: &clap::Error) -> ExitCode {
    match answer.print() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            tell(format_args!("error: cannot write to standard output: {error}"));
            Done::NotBegun.into()
        }
        _ if answer.use_stderr() => Done::NotBegun.into(),
        _ => Done::Good.into(),
    }
}
