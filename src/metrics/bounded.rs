//! Label values that others choose, whose number is bounded.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use fanfare_upstream::{Origin, PeerKind};

/// Label values that others choose. Only the first of them keep their name, so that their number is bounded.
#[derive(Debug, Clone, Default)]
pub(super) struct BoundedLabel(Arc<Mutex<BTreeSet<String>>>);

impl BoundedLabel {
    const MOST: usize = 32;

    pub(super) fn value(&self, value: &str) -> String {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = known.contains(value) || known.len() < Self::MOST && known.insert(value.to_owned());
        if fits { value.to_owned() } else { "other".to_owned() }
    }
}

/// The origins of peers, as labels. Of peers that anybody can make up, the first few have their own; the others share `other`.
#[derive(Debug, Clone, Default)]
pub(super) struct Origins(BoundedLabel);

impl Origins {
    pub(super) fn label(&self, origin: &Origin, kind: PeerKind) -> String {
        let origin = origin.to_string();
        if kind.is_unbounded() { self.0.value(&origin) } else { origin }
    }
}
