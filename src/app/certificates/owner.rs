//! Who shows a certificate.

use std::sync::Arc;

use crate::push::{AppId, ProviderKind};

/// Who shows a certificate.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Owner {
    /// An app, to a push service.
    App(AppId, ProviderKind),
    /// The listener of this name, to those who connect.
    Listener(Arc<str>),
}
