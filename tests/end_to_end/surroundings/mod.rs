//! The surroundings of the process: its log, its outputs, its files and its signals. Whatever they do, no verdict changes.

mod certificates;
mod files;
mod log;
mod marks;
mod outputs;
mod relay;
mod repeats;
mod samples;
mod signals;
mod starts;

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use crate::harness::SOON;

/// Sends a signal, such as `-TERM`.
pub(crate) fn signal(process: &Child, signal: &str) {
    let pid = process.id().to_string();
    assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
}

/// Waits until a process has ended. Returns how.
pub(crate) async fn ended(process: &mut Child) -> ExitStatus {
    let ended = async {
        loop {
            if let Some(status) = process.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, ended).await.expect("the process ends")
}

/// The program, without arguments.
fn fanfare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end, within a bound.
async fn run(mut command: Command) -> Output {
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
    tokio::time::timeout(SOON, ran).await.expect("the command ends").unwrap()
}

fn check(config: &Path) -> Command {
    let mut command = fanfare();
    command.arg("check").arg("--config").arg(config);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}
