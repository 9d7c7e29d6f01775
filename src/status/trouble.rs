//! What is wrong with something that belongs to no app.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{Fault, moment};

/// What is wrong with something that belongs to no app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    /// What is wrong, in a sentence.
    pub(crate) sentence: String,
    /// Whose fault it is.
    pub(crate) fault: Fault,
    /// Since when.
    #[serde(with = "moment::rfc3339")]
    pub(crate) since: SystemTime,
    /// What to do about it.
    pub(crate) remedy: String,
}
