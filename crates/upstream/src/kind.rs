//! Who named a peer, and what it may take of what all peers share.

/// Who named a peer. It decides how much the peer may take of the peers, connections and look-ups that all share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeerKind {
    /// The operator of the process named it, host by host.
    Configured,
    /// Somebody from outside named it, and the program knows this very host.
    Known,
    /// Somebody from outside named it, and it is below a domain that the program knows. Anybody can make such a name up, but
    /// only the owner of the domain can make it answer. So it is a stranger until its first good answer, and known afterwards.
    Claimed,
    /// Somebody from outside named it, and the program does not know it.
    Stranger,
}

impl PeerKind {
    /// Whether anybody can make up more of them, so that an observer has to bound the names that it keeps.
    #[must_use]
    pub fn is_unbounded(self) -> bool {
        matches!(self, Self::Claimed | Self::Stranger)
    }

    /// The name of the kind for metrics. It is lower case, and does not change.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Known => "known",
            Self::Claimed => "claimed",
            Self::Stranger => "stranger",
        }
    }

    /// The rank of a peer that has brought a good answer, or has brought none yet.
    pub(crate) fn rank(self, proven: bool) -> Rank {
        match self {
            Self::Configured | Self::Known => Rank::Kept,
            Self::Claimed if proven => Rank::Vouched,
            Self::Stranger if proven => Rank::Proven,
            Self::Claimed | Self::Stranger => Rank::Unproven,
        }
    }
}

/// How much a peer may take. Where another needs room, the lowest rank leaves first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// A stranger that has brought no good answer. All such peers together have half of what strangers may take.
    Unproven,
    /// A stranger that has brought a good answer. All strangers together have a share of what there is.
    Proven,
    /// A peer of a known domain that has brought a good answer. It may take of all that there is, and leaves for a stranger
    /// only where there are as many peers as may be.
    Vouched,
    /// A peer that may take of all that there is, and never leaves for a stranger.
    Kept,
}

impl Rank {
    /// Whether the peer is held to the share of strangers.
    pub(crate) fn is_stranger(self) -> bool {
        self <= Self::Proven
    }
}

/// What strangers may take: never more than half of all, so that the others find room.
pub(crate) fn share_of_strangers(wanted: usize, all: usize) -> usize {
    wanted.min(all.div_ceil(2))
}

/// What those strangers may take who have brought no good answer. The other half of the share waits for those who have, so
/// that made-up names take nothing from a small push service that is well.
pub(crate) fn share_of_unproven(strangers: usize) -> usize {
    strangers.div_ceil(2)
}
