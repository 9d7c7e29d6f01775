//! What stands around the gateway's process: its log, its outputs, its files, its signals. Whatever they do, no verdict
//! changes.

mod log;
mod relay;

use std::process::{Child, ExitStatus};
use std::time::Duration;

use crate::harness::SOON;

/// Sends a signal, such as `-TERM`.
pub(crate) fn signal(process: &Child, signal: &str) {
    let pid = process.id().to_string();
    assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
}

/// How a process ended.
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
