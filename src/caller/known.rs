//! Who was found by what a call showed.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;

use super::permissions::Permissions;
use super::rule::{CallerRule, Proof};
use crate::metrics::OneCaller;
use crate::sharer::Sharer;

/// A caller's rule, found by something that it showed.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) rule: Arc<CallerRule>,
    pub(super) proof: Proof,
    /// When what it showed expires.
    pub(super) ends: Option<SystemTime>,
}

impl Known {
    /// Everybody, where the configuration has no callers.
    pub(super) fn anyone() -> Self {
        let permissions = Arc::new(Permissions::everything());
        let rule = CallerRule::new("anyone", permissions, None, Sharer::alone(), OneCaller::default());
        Self { rule: Arc::new(rule), proof: Proof::default(), ends: None }
    }
}

/// Whom something of a connection was found to belong to, such as its certificate. It is found once, and again when the
/// configuration has changed in a way that matters to it, since verifying a chain costs more than a push.
#[derive(Debug, Default)]
pub(crate) struct KnownByConnection(ArcSwapOption<Known>);

impl KnownByConnection {
    pub(super) fn get(&self) -> Option<Known> {
        let known = self.0.load();
        known.as_deref().filter(|known| !known.proof.is_revoked()).cloned()
    }

    pub(super) fn set(&self, known: Known) {
        self.0.store(Some(Arc::new(known)));
    }
}
