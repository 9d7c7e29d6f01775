//! The answer by which a push service refuses a credential.

/// An answer that refuses a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefusingAnswer {
    /// Its status; none where the refusal was no answer to a request.
    pub(crate) status: Option<u16>,
    /// Its reason, verbatim.
    pub(crate) reason: String,
    /// What it says, and what to do about it, in one sentence for people.
    pub(crate) detail: String,
}

impl RefusingAnswer {
    /// What stands for an answer in the moment in which the credential is taken again, so that nobody is told its name alone.
    pub(super) fn unknown() -> Self {
        Self {
            status: None,
            reason: String::new(),
            detail: "the push service refuses the credential".to_owned(),
        }
    }
}
