//! How the gateway reaches the network.

use std::sync::Arc;

use fanfare_upstream::{Dial, Resolve, SystemResolver, TcpDialer};

/// How the gateway reaches the network. Tests put their own in.
pub struct Network {
    /// Finds addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Opens byte streams.
    pub dialer: Arc<dyn Dial>,
}

impl Default for Network {
    fn default() -> Self {
        Self { resolver: Arc::new(SystemResolver), dialer: Arc::new(TcpDialer) }
    }
}
