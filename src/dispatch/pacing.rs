//! The pace at which a push service is sent to: a turn before each attempt, and what its answers say of that.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::OnceLock;

use fanfare_upstream::{Flow, Pacer, PeerPool};
use futures_util::FutureExt;
use tokio::time::Instant;

use super::acquire::NoLeave;
use super::{Ask, Dispatcher, Route};
use crate::provider::{Pace, Provider};

impl Dispatcher {
    /// Waits for the turn of an attempt, unless the gateway drains first. What does not fit before the push's deadline and
    /// its expiry is not waited for, and where the peer is left alone, no turn is spent.
    pub(super) async fn turn<P: Provider>(
        &self,
        ask: &Ask<'_, P>,
        flow: Flow,
        peer: &PeerPool,
    ) -> Result<(), NoLeave> {
        let pacer = ask.route.pacer(peer);
        if !pacer.is_paced() {
            return Ok(());
        }
        if let Some(why) = peer.left_alone() {
            return Err(NoLeave::Unsent(why));
        }
        let mut turn = pacer.turn(flow, ask.useless_from());
        let told = match (&mut turn).now_or_never() {
            Some(told) => told,
            None => {
                // The wait is boxed, so that it takes no room in the future of a push that has its turn at once.
                let wait = async {
                    tokio::select! {
                        biased;
                        told = turn => Some(told),
                        () = self.draining().cancelled() => None,
                    }
                };
                Box::pin(wait).await.ok_or(NoLeave::Draining)?
            }
        };
        told.map_err(|why| if ask.has_expired() { NoLeave::Expired } else { NoLeave::NoTurn(why) })
    }
}

impl<P: Provider> Route<P> {
    /// Who paces what is sent to a peer: whoever stands for the quota of the route, or else the peer's own.
    pub(super) fn pacer<'a>(&'a self, peer: &'a PeerPool) -> &'a Pacer {
        self.pacer.as_deref().unwrap_or(peer.pacer())
    }

    /// Those who wait for a turn or for a stream look at their credential again, where it is this one.
    pub(super) fn turn_away(&self, credential: u64, peer: &PeerPool) {
        self.pacer(peer).turn_away(credential);
        peer.turn_away(credential);
    }
}

/// Tells a pacer of the answer to an attempt that began at this moment.
pub(super) fn tell<T: Hash>(pacer: &Pacer, begun: Instant, target: &T, pace: Pace, status: u16) {
    match pace {
        // A service that failed has taken nothing.
        Pace::Nothing if status < 500 => pacer.taken(begun),
        Pace::Nothing => {}
        Pace::Target => pacer.limited(begun, Some(number(target))),
        Pace::Sender => pacer.limited(begun, None),
    }
}

/// A number that stands for a target in this process.
fn number<T: Hash>(target: &T) -> u64 {
    static HASHER: OnceLock<RandomState> = OnceLock::new();
    HASHER.get_or_init(RandomState::new).hash_one(target)
}
