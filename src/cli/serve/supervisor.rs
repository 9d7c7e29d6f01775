//! What is told to systemd, where it started the gateway: that it is ready, reads its configuration again, ends, and lives.
//!
//! Source: sd_notify(3). Elsewhere nothing is told, since the variable that names the socket is not there.

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Told that the gateway serves, and in a few words how.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Told that the configuration is read again. [`ready`] ends it.
pub(super) fn reloading() {
    let Ok(now) = NotifyState::monotonic_usec_now() else { return };
    tell(&[NotifyState::Reloading, now, NotifyState::Status("reading the configuration again")]);
}

/// Told that the gateway ends.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// Says twice in each interval of the watchdog that the runtime which serves goes on. It ends with the future that holds it.
pub(super) async fn live(stop: CancellationToken) {
    let Some(every) = sd_notify::watchdog_enabled().filter(|every| !every.is_zero()) else { return };
    let mut ticks = interval(every / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
