//! The settings of the push services of browsers.

use std::net::{Ipv4Addr, SocketAddr};

/// The settings of the stand-in for the push services of browsers.
#[derive(Clone, Debug)]
pub struct WebPushSettings {
    /// The address on which they listen. The default is a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// The MAX_CONCURRENT_STREAMS of a connection. The default is 100, the least that HTTP/2 recommends. Source: RFC
    /// 9113, 6.5.2.
    pub max_concurrent_streams: u32,
    /// Whether HTTP/2 is spoken. If not, ALPN offers HTTP/1.1 alone. The default is true.
    pub http2: bool,
}

impl Default for WebPushSettings {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { listen, max_concurrent_streams: 100, http2: true }
    }
}
