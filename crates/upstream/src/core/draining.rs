//! How connections end that are given no new streams.

use std::time::Instant;

use super::Core;
use super::event::{ConnectionId, Effects};
use crate::cause::EndCause;
use crate::failure::Symptom;

impl<H: Clone, W, E: Clone> Core<H, W, E> {
    /// Lets connections take no new streams. Each closes when those that it has are done.
    pub(super) fn drain(
        &mut self,
        now: Instant,
        ids: impl IntoIterator<Item = ConnectionId>,
        why: EndCause,
        effects: &mut Effects<H, W, E>,
    ) {
        self.drain_as(now, ids, why, Some(Symptom::Ended(why)), effects);
    }

    /// The same, where the connections drain because of this symptom. It is `None` where that says nothing of the peer.
    pub(super) fn drain_as(
        &mut self,
        now: Instant,
        ids: impl IntoIterator<Item = ConnectionId>,
        why: EndCause,
        symptom: Option<Symptom>,
        effects: &mut Effects<H, W, E>,
    ) {
        let (mut any, mut busy) = (false, false);
        for id in ids {
            if let Some(symptom) = symptom {
                self.departs(now, id, why, symptom, effects);
            }
            let Some(drained) = self.connections.drain(id, why, effects) else { continue };
            if drained.unproven && !why.is_ours() && symptom.is_some() {
                self.backoff.back_off(now);
            }
            (any, busy) = (true, busy || drained.busy);
        }
        if !any {
            return;
        }
        self.growth.successor = busy && self.connections.live_count() == 0;
        self.growth.wake_at = None;
        self.grant_rate.begin();
        // The drained streams count for the share of bulk no more, so there may be room for bulk on the others.
        self.serve(now, effects);
        self.grow(now, effects);
    }

    /// Drains the old connections, if another is open.
    pub(super) fn drain_old(&mut self, now: Instant, effects: &mut Effects<H, W, E>) {
        self.drain(now, self.connections.replaced(), EndCause::Age, effects);
    }
}
