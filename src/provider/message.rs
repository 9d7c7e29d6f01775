//! What is sent to a push service.

use fanfare_upstream::Request;

/// A message to a push service, complete but for its credential.
#[derive(Debug, Clone)]
pub struct Message<C = ()> {
    /// The request that carries it, without `authorization`.
    pub request: Request,
    /// Whether it says how long the push may be kept, counted from when it is sent. Such a message is addressed anew
    /// before each attempt, because otherwise the time that it waited would not count.
    pub counts_down: bool,
    /// What its answer is read by.
    pub context: C,
}
