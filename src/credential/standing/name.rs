//! How a credential is called.

/// How a credential at a place is called in the log, in metrics, and to callers. Nothing of it is secret.
#[derive(Debug, Clone)]
pub(crate) struct StandingName {
    /// The credential in a sentence.
    pub(in crate::credential) credential: String,
    /// The credential in metrics and in the log.
    pub(in crate::credential) label: String,
    /// Where it is shown.
    pub(in crate::credential) place: String,
}

impl StandingName {
    pub(super) fn for_topic(&self, topic: &str) -> Self {
        Self { place: format!("{}, topic {topic}", self.place), ..self.clone() }
    }
}
