//! What is told of the breaker of a peer: to requests, to the observer, and to the operator.

use std::sync::Arc;

use tokio::time::Instant;

use super::Pool;
use crate::breaker::BreakerChange;
use crate::connect_error::ConnectError;
use crate::connection::Hub;
use crate::core::Refusal;
use crate::error::Unsent;
use crate::failure::PeerFailure;
use crate::observe::Report;
use crate::reach::Reach;

impl Pool {
    /// What a request is told that the core refused.
    pub(super) fn refused(&self, why: Refusal<Arc<ConnectError>>) -> Unsent {
        Unsent::refused(self.peer.origin.host(), why)
    }

    /// What a request would be told now, if the peer is left alone.
    pub(crate) fn left_alone(&self) -> Option<Unsent> {
        // While a breaker is not closed, answers are counted.
        if !self.hears_answers() {
            return None;
        }
        let refusal = self.lock().core.left_alone(Instant::now().into_std())?;
        Some(self.refused(refusal))
    }

    /// Tells of a breaker that changed. `why` is the last failure of the peer.
    pub(super) fn breaker_changed(&self, change: BreakerChange, why: Option<PeerFailure>) {
        let cause = why.as_ref().map_or("none", PeerFailure::name);
        let why = why.map(|why| why.to_string()).unwrap_or_default();
        let peer = &self.peer;
        if change != BreakerChange::Closed {
            // Those who wait for a turn have no use for one now.
            self.pacer.turn_all_away();
        }
        match change {
            BreakerChange::Opened(wait) => {
                self.report(Report::BreakerOpened(cause));
                // As with connects that fail, lines of hosts that outsiders name are not counted by `peer`, since there is
                // no end of such hosts.
                match peer.reach {
                    Reach::Anywhere => {
                        tracing::error!(
                            ?peer, cause, ?wait, %why,
                            "upstream fails, and is left alone until it answers a probe: see what stands between, or the status page of the \
                             service"
                        );
                    }
                    Reach::Public => {
                        tracing::warn!(
                            origin = ?peer, cause, ?wait, %why,
                            "a subscription's push service fails, and is left alone"
                        );
                    }
                }
            }
            BreakerChange::Reopened(wait) => {
                tracing::debug!(?peer, cause, ?wait, %why, "upstream still fails");
            }
            BreakerChange::Closed => {
                self.report(Report::BreakerClosed);
                match peer.reach {
                    Reach::Anywhere => tracing::info!(?peer, "upstream is well again"),
                    Reach::Public => {
                        tracing::info!(origin = ?peer, "a subscription's push service is well again");
                    }
                }
            }
        }
    }
}
