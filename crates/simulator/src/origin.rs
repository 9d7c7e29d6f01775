//! The origin under which clients reach a listener with TLS.

use std::net::SocketAddr;

/// Returns the origin of an address that speaks TLS. The default port is left out, as browsers and senders leave it
/// out. Source: RFC 6454, 6.2.
pub(super) fn origin(address: SocketAddr) -> String {
    match address.port() {
        443 => "https://localhost".to_owned(),
        port => format!("https://localhost:{port}"),
    }
}
