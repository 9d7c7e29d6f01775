//! Finds what is in use by what identifies it.

use std::collections::HashMap;
use std::hash::Hash;

use super::handle::{CredentialHandle, WeakHandle};

/// Credentials of one kind. There is at most one entry more than credentials in use, which the configuration bounds.
pub(super) struct Table<K, T>(HashMap<K, WeakHandle<T>>);

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, T> Table<K, T> {
    pub(super) fn find_or_insert(
        &mut self,
        identity: K,
        make: impl FnOnce() -> CredentialHandle<T>,
    ) -> CredentialHandle<T> {
        if let Some(known) = self.0.get(&identity).and_then(WeakHandle::upgrade) {
            return known;
        }
        self.0.retain(|_, credential| credential.is_held());
        let made = make();
        self.0.insert(identity, made.downgrade());
        made
    }

    /// How many entries there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that are in use.
    pub(super) fn held(&self) -> impl Iterator<Item = CredentialHandle<T>> {
        self.0.values().filter_map(WeakHandle::upgrade)
    }
}
