//! The signals that end a command.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT. From `listen` on, neither ends the process by itself, and one that comes before it is waited for is
/// kept: whoever sees that a gateway is ready may end it at once.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    /// SIGHUP, for a command that it ends too.
    hangup: Option<Signal>,
}

impl StopSignals {
    pub(super) fn listen() -> anyhow::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, hangup: None })
    }

    /// Adds SIGHUP, by which a terminal says that it is closed. Under `nohup` SIGHUP stays ignored.
    pub(super) fn and_hangups(mut self) -> anyhow::Result<Self> {
        self.hangup = if ignores_hangups() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(self)
    }

    /// Waits for one of the signals.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            Some(()) = async { self.hangup.as_mut()?.recv().await } => {
                // A terminal that closes sends it twice, by itself and by its shell. The second one is not another wish.
                self.hangup = None;
            }
        }
    }
}

/// SIGHUP, which from now on does not end the process.
pub(super) fn hangups() -> anyhow::Result<Signal> {
    Ok(signal(SignalKind::hangup())?)
}

/// From now on SIGHUP does not end the process. Each time it comes, `tell` is called.
pub(super) fn ignore_hangups(tell: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    let mut hangup = hangups()?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tell();
        }
    });
    Ok(())
}

/// Whether the process was started with SIGHUP ignored. Only Linux tells this without unsafe code; on other systems SIGHUP
/// is obeyed. Source: proc_pid_status(5), `SigIgn`, a mask whose lowest bit is the signal 1.
fn ignores_hangups() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
