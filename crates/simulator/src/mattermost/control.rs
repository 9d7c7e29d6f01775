//! What a test asks of the proxy. Its devices' fates are set at APNs and FCM.

use std::net::SocketAddr;

use super::proxied::Asked;
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
    /// Where it listens without TLS.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens with TLS.
    pub fn tls_address(&self) -> SocketAddr {
        self.tls_address
    }

    /// `http://127.0.0.1:<port>`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `https://localhost:<port>`.
    pub fn tls_origin(&self) -> String {
        origin(self.tls_address)
    }

    /// What it asked of APNs and FCM, in order; the last 10,000.
    pub fn asked(&self) -> Vec<Asked> {
        self.proxy.asked()
    }
}
