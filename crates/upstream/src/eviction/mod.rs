//! Which peer leaves for a new one. It knows neither pools nor a clock.

use tokio::time::Instant;

use crate::kind::{Rank, share_of_strangers, share_of_unproven};
use crate::settings::UpstreamSettings;

/// As many peers are in use as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooManyPeers {
    /// They are as many as [`UpstreamSettings::max_peers`] allows.
    #[error("more than {0} upstream peers (upstream.max_peers)")]
    All(usize),
    /// They are as many strangers as [`UpstreamSettings::max_stranger_peers`] allows, or half of that and no stranger of
    /// them has brought a good answer.
    #[error("more than {0} hosts that only subscriptions name are in use (upstream.max_stranger_peers)")]
    Strangers(usize),
}

/// How many peers there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerLimits {
    all: usize,
    strangers: usize,
    unproven: usize,
}

/// What is known of a peer when another needs its room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occupant {
    pub(crate) rank: Rank,
    /// When it was last asked for a stream. It is `None` while somebody has it or it has something to do.
    pub(crate) idle_since: Option<Instant>,
}

impl PeerLimits {
    pub(crate) fn new(settings: &UpstreamSettings) -> Self {
        let strangers = share_of_strangers(settings.max_stranger_peers, settings.max_peers);
        Self { all: settings.max_peers, strangers, unproven: share_of_unproven(strangers) }
    }

    /// The peer that leaves for a new one of this rank, or `None` where there is room for both. It is an idle one of the
    /// lowest rank, and among those the one that was idle for the longest.
    ///
    /// # Errors
    /// It fails where all that could leave are in use.
    pub(crate) fn leaves_for<K>(
        self,
        rank: Rank,
        occupants: impl Iterator<Item = (K, Occupant)>,
    ) -> Result<Option<K>, TooManyPeers> {
        let (mut all, mut strangers, mut unproven) = (0, 0, 0);
        let mut first: Option<(Rank, Instant, K)> = None;
        for (key, Occupant { rank, idle_since }) in occupants {
            all += 1;
            strangers += usize::from(rank.is_stranger());
            unproven += usize::from(rank == Rank::Unproven);
            let Some(since) = idle_since else { continue };
            if first.as_ref().is_none_or(|(lowest, longest, _)| (rank, since) < (*lowest, *longest)) {
                first = Some((rank, since, key));
            }
        }
        // A stranger comes as one that has brought no good answer. It takes the place of one that has only where those that
        // have none hold less than their part, so that new ones always find some.
        let (highest, too_many) = if rank.is_stranger() && unproven >= self.unproven {
            (Rank::Unproven, TooManyPeers::Strangers(self.unproven))
        } else if rank.is_stranger() && strangers >= self.strangers {
            (Rank::Proven, TooManyPeers::Strangers(self.strangers))
        } else if all >= self.all {
            (if rank.is_stranger() { Rank::Vouched } else { Rank::Kept }, TooManyPeers::All(self.all))
        } else {
            return Ok(None);
        };
        first.filter(|(rank, ..)| *rank <= highest).map(|(.., key)| Some(key)).ok_or(too_many)
    }
}

#[cfg(test)]
mod tests;
