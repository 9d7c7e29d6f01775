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

/// A series of requests that belong together, such as one batch. The flows of a class are served in turn, so that a
/// long one does not hold up a short one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// The class of its requests.
    pub class: ServiceClass,
    /// Tells the flows of a process apart. 0 stands for all requests that belong to no batch.
    pub id: u64,
    /// How many streams it is given in one turn; 0 counts as 1.
    pub weight: u8,
    /// What the request depends on, by a number that only the caller understands, so that all who wait for the same can
    /// be [turned away](crate::PeerPool::turn_away) together. 0 is nothing that they could be turned away for.
    pub depends_on: u64,
}

impl Flow {
    /// The flow of all requests that belong to no batch.
    pub const SINGLE: Self = Self { class: ServiceClass::Interactive, id: 0, weight: 1, depends_on: 0 };
}
