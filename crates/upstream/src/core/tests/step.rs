//! What may happen to the core.

use super::*;

/// What happens next. A number chooses one of those that there are.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Ask {
        flow: Flow,
        wait_ms: u64,
        returned: bool,
    },
    /// A caller goes away, or its time is up.
    Leave(usize),
    /// A request ends.
    Return(usize),
    Prove(usize),
    Limit(usize, usize),
    Age(usize),
    /// Answers come on a connection which say that the peer is well.
    Answer(usize, u32),
    /// The peer fails on a connection.
    Fail(usize, Symptom, Option<u64>),
    /// The probe ends without an outcome, and its caller has left.
    EndProbe,
    Drain(usize, EndCause),
    Close(usize),
    Quiet(usize),
    Alive(usize),
    /// A connection that was asked whether it lives does not say so in time.
    ProbeLost(usize),
    Slept,
    /// A connect ends: with a connection of so many streams, or one that takes one request at a time.
    Connected {
        streams: usize,
    },
    ConnectFailed {
        forbidden: bool,
        crowded: bool,
    },
    ConnectAbandoned,
    Pass {
        ms: u64,
    },
    /// One thread does the next thing that it was told to do.
    Perform(usize),
    DrainBatches,
    TurnAway(u64),
    ShutDown,
}
