//! What a test can ask of the push proxy. The outcomes of its devices are scripted at APNs and FCM.

use std::net::SocketAddr;

use super::proxied::ProxiedRequest;
use super::proxy::PushProxy;
use crate::origin::origin;

/// The stand-in for a Mattermost push proxy.
#[derive(Clone, Copy)]
pub struct Mattermost<'a> {
    pub(crate) proxy: &'a PushProxy,
    pub(crate) address: SocketAddr,
    pub(crate) tls_address: SocketAddr,
}

impl Mattermost<'_> {
    /// Returns the address on which it listens without TLS.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address on which it listens with TLS.
    pub fn tls_address(&self) -> SocketAddr {
        self.tls_address
    }

    /// Returns the origin without TLS, `http://127.0.0.1:<port>`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the origin with TLS, `https://localhost:<port>`.
    pub fn tls_origin(&self) -> String {
        origin(self.tls_address)
    }

    /// Returns the last 10,000 requests that the proxy made of APNs and FCM, in order.
    pub fn proxied_requests(&self) -> Vec<ProxiedRequest> {
        self.proxy.proxied_requests()
    }
}
