//! The origin under which clients reach a listener.

use std::net::SocketAddr;

/// The origin of an address that speaks TLS. Its default port is left out, as browsers and senders do. Source: RFC
/// 6454, 6.2.
pub(super) fn origin(address: SocketAddr) -> String {
    match address.port() {
        443 => "https://localhost".to_owned(),
        port => format!("https://localhost:{port}"),
    }
}
