//! The end of a gateway: its callers leave, every push comes to its verdict, and every task ends.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::Gateway;

/// For so long after a connection was told to go, its calls are taken as before: a caller sends calls in good faith until it has
/// read the GOAWAY, which takes half a round trip, or a retransmission where the packet is lost. After one round trip HTTP/2
/// says by a last GOAWAY which calls it took, and takes no others. Source: RFC 9113, section 6.8.
const LAST_CALLS: Duration = Duration::from_secs(2);

/// How long the last verdicts may take to reach their callers after the drain timeout, and how long callers may then take to
/// close their connections. One that does not close its side would otherwise hold the shutdown for an hour (hyperium/hyper
/// issue 4170). With both and a moment, a gateway ends within five seconds of the drain timeout.
pub(super) const LAST_GOODBYE: Duration = Duration::from_secs(2);

impl Gateway {
    /// Says at once that it is not ready, and goes on as before for `limits.drain_delay`, but that answers over HTTP/1.1 end their
    /// connections from now on. Then it tells its callers to go elsewhere, and lets what they have sent come to its verdict for
    /// `limits.drain_timeout`. What is left then ends: unwritten pushes are NOT_ATTEMPTED, unanswered ones UNCONFIRMED. When this
    /// returns, every task has ended, but for the connections of callers that do not close their side.
    pub async fn shut_down(self) {
        self.shut_down_hurried_by(std::future::pending()).await;
    }

    /// The same, where `hurry` ends the delay.
    pub async fn shut_down_hurried_by(mut self, hurry: impl Future<Output = ()>) {
        self.health.drain();
        self.drains.begin();
        let (delay, in_flight) = (self.drain_delay(), self.lasting.admission.in_flight());
        tracing::info!(?delay, in_flight, "shutting down: no longer ready");
        tokio::select! {
            () = sleep(delay) => {}
            () = hurry => tracing::info!("told again to end: the rest of the delay is left out"),
        }
        self.drain().await;
        self.end().await;
        tracing::info!("stopped");
    }

    /// Sends the callers away, and brings every push to its verdict.
    async fn drain(&mut self) {
        tracing::info!(in_flight = self.lasting.admission.in_flight(), "draining");
        let end = Instant::now() + self.drain_timeout();
        // Each connection gets GOAWAY now, which its batches are told as well. A call that was sent before its caller knew of
        // that is taken, so that nobody is refused who does as HTTP/2 says.
        self.leave.cancel();
        let calls_end = end.min(Instant::now() + LAST_CALLS);
        let _ = timeout_at(calls_end, all_ended(&mut self.serving)).await;

        self.lasting.admission.drain();
        self.draining.cancel();
        self.lasting.upstream.drain_batches();
        let drained = timeout_at(end, self.lasting.admission.idle()).await.is_ok();
        if !drained {
            tracing::warn!(
                in_flight = self.lasting.admission.in_flight(),
                "drain timeout: ending what is in flight"
            );
        }
        if drained {
            self.lasting.feeding.drain(end).await;
        }
        self.lasting.upstream.shut_down();
        let mut goodbye = end;
        if !drained {
            self.lasting.upstream.abort();
            // Every wait for an upstream has just ended, so the verdicts need only a few more polls.
            goodbye = Instant::now() + LAST_GOODBYE;
            let _ = timeout_at(goodbye, self.lasting.admission.idle()).await;
        }
        // A verdict counts as delivered when it was read, so open batches get the rest of the time.
        self.lasting.feeding.end(LAST_GOODBYE).await;
        self.batches.close();
        let _ = timeout_at(goodbye, self.batches.wait()).await;
    }

    /// Ends every task, and waits until all have ended. The admin listener is the last, so that probes and monitoring see all
    /// of it.
    async fn end(mut self) {
        if timeout(LAST_GOODBYE, all_ended(&mut self.serving)).await.is_err() {
            tracing::debug!("some callers keep their connections; leaving them");
            self.serving.shutdown().await;
        }
        let _ = timeout(LAST_GOODBYE, self.lasting.credentials.shut_down()).await;
        self.lasting.upstream.abort();
        let _ = timeout(LAST_GOODBYE, self.lasting.upstream.closed()).await;
        self.stop.cancel();
        self.issuers.close();
        let _ = timeout(LAST_GOODBYE, self.issuers.wait()).await;
        if timeout(LAST_GOODBYE, all_ended(&mut self.tasks)).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

async fn all_ended(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}
