//! The signals that a command obeys.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT. From `listen` on neither ends the process by itself, and none is lost that comes before it is waited
/// for: whoever sees that a gateway is ready may end it at once.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    /// SIGHUP, where it is one of them.
    hangup: Option<Signal>,
}

impl StopSignals {
    pub(super) fn listen() -> anyhow::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, hangup: None })
    }

    /// SIGHUP too, by which a terminal says that it is closed. Under `nohup` that one stays ignored.
    pub(super) fn and_hangups(mut self) -> anyhow::Result<Self> {
        self.hangup = if ignores_hangups() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(self)
    }

    /// Waits for one of them.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            Some(()) = async { self.hangup.as_mut()?.recv().await } => {
                // A terminal that closes says so twice, by itself and by its shell: once is enough.
                self.hangup = None;
            }
        }
    }
}

/// From now on SIGHUP does not end the process: `tell` is called instead.
pub(super) fn ignore_hangups(tell: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tell();
        }
    });
    Ok(())
}

/// Whether who started this process had it ignore SIGHUP. Linux alone says so without unsafe code; elsewhere it is
/// obeyed. Source: proc_pid_status(5), `SigIgn`, a mask whose lowest bit is the signal 1.
fn ignores_hangups() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
