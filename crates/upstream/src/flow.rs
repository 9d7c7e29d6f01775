//! Who asks for a stream, and who goes first.

/// How requests compete for streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceClass {
    /// Somebody waits for each of these requests, so they are served first.
    Interactive,
    /// These requests come in large numbers. They yield to the interactive ones, and never take the last fifth of a
    /// peer's streams.
    Bulk,
}

/// One of those who share the streams of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    /// Tells the parties of one level apart.
    pub id: u32,
    /// How many streams it is given in one turn, where others wait as well; 0 counts as 1.
    pub weight: u8,
}

impl Party {
    /// Nobody in particular.
    pub const NOBODY: Self = Self { id: 0, weight: 1 };
}

/// A series of requests that belong together, such as one batch.
///
/// The parties of a class share a peer's streams level by level, by their weights: first those of the first level, and what
/// each of these is given, its parties of the second. The flows of such a party are served in turn, so that a long one does
/// not hold up a short one. A share that is not asked for goes to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// The class of its requests.
    pub class: ServiceClass,
    /// Whose requests they are, from the first level to the last.
    pub parties: [Party; 2],
    /// Tells the flows of a process apart. 0 stands for all requests of its parties that belong to no batch.
    pub id: u64,
    /// What the request depends on, by a number that only the caller understands, so that all who wait for the same can
    /// be [turned away](crate::PeerPool::turn_away) together. 0 is nothing that they could be turned away for.
    pub depends_on: u64,
}

impl Flow {
    /// The flow of all requests that belong to nobody in particular, and to no batch.
    pub const SINGLE: Self = Self {
        class: ServiceClass::Interactive,
        parties: [Party::NOBODY, Party::NOBODY],
        id: 0,
        depends_on: 0,
    };
}
