//! The settings of the push services of browsers.

use std::net::{Ipv4Addr, SocketAddr};

/// Settings of the stand-in for the push services of browsers.
#[derive(Clone, Debug)]
pub struct WebPushSettings {
    /// Where it listens. Default: a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// MAX_CONCURRENT_STREAMS. Default 100, the least that HTTP/2 recommends. Source: RFC 9113, 6.5.2.
    pub max_concurrent_streams: u32,
    /// False: nothing newer than HTTP/1.1 is spoken, and ALPN says so. Default true.
    pub http2: bool,
}

impl Default for WebPushSettings {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { listen, max_concurrent_streams: 100, http2: true }
    }
}
