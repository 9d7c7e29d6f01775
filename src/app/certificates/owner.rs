//! Who shows a certificate.

use crate::push::{AppId, ProviderKind};

/// Who shows a certificate.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Owner {
    /// An app, to a push service.
    App(AppId, ProviderKind),
    /// The listener of this name, to those who connect.
    Listener(String),
}
