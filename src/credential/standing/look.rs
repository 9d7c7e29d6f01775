//! How a credential stands at a moment, for whoever watches over it.

use tokio::time::Instant;

use super::refusing_answer::RefusingAnswer;

/// How a credential stands at one place, or for one topic there.
#[derive(Debug, Clone)]
pub(crate) struct StandingLook {
    /// The credential in a sentence.
    pub(crate) credential: String,
    /// The credential in metrics.
    pub(crate) label: String,
    /// Where it is shown.
    pub(crate) place: String,
    /// That it is refused there; none where it is taken.
    pub(crate) refusal: Option<RefusalLook>,
}

/// That a credential is refused.
#[derive(Debug, Clone)]
pub(crate) struct RefusalLook {
    /// Since when.
    pub(crate) since: Instant,
    /// The answer that refused it.
    pub(crate) answer: RefusingAnswer,
}
