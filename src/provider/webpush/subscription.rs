//! Where a push goes by Web Push.

use std::fmt;

use crate::push::Shortened;

/// What a browser's `PushManager` gave. It prints with its endpoint cut short and without its keys.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// The endpoint URL, byte for byte.
    pub endpoint: String,
    /// The browser's public key.
    pub p256dh: Vec<u8>,
    /// The authentication secret.
    pub auth: Vec<u8>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscription({})", Shortened(&self.endpoint))
    }
}
