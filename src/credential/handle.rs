//! How long a credential lives: as long as somebody holds a handle to it.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use tokio_util::sync::{CancellationToken, DropGuard};

/// A credential that is in use. When the last handle is dropped, the task that keeps the credential fresh ends.
pub struct CredentialHandle<T> {
    credential: Arc<T>,
    /// The task shares `credential` but not this guard, so that it does not keep itself alive.
    task: Arc<DropGuard>,
}

/// Finds a credential again while somebody holds a handle to it.
pub(super) struct WeakHandle<T> {
    credential: Weak<T>,
    task: Weak<DropGuard>,
}

impl<T> CredentialHandle<T> {
    /// Holds a credential whose task ends when `stop` is cancelled.
    pub(super) fn new(credential: Arc<T>, stop: CancellationToken) -> Self {
        Self { credential, task: Arc::new(stop.drop_guard()) }
    }

    /// Holds a credential that no task keeps fresh.
    pub(super) fn without_task(credential: T) -> Self {
        Self::new(Arc::new(credential), CancellationToken::new())
    }

    pub(super) fn downgrade(&self) -> WeakHandle<T> {
        WeakHandle { credential: Arc::downgrade(&self.credential), task: Arc::downgrade(&self.task) }
    }
}

impl<T> WeakHandle<T> {
    /// Returns a handle, unless the last one is gone and the task is ending or has ended.
    pub(super) fn upgrade(&self) -> Option<CredentialHandle<T>> {
        Some(CredentialHandle { task: self.task.upgrade()?, credential: self.credential.upgrade()? })
    }

    pub(super) fn is_held(&self) -> bool {
        self.task.strong_count() > 0
    }
}

impl<T> Clone for CredentialHandle<T> {
    fn clone(&self) -> Self {
        Self { credential: Arc::clone(&self.credential), task: Arc::clone(&self.task) }
    }
}

impl<T> Deref for CredentialHandle<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.credential
    }
}

impl<T: fmt::Debug> fmt::Debug for CredentialHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.credential.fmt(f)
    }
}
