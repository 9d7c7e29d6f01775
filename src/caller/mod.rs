//! Who calls the gateway, and how a caller shows it.

pub(crate) mod key;
