//! The addresses that one connect tries: found once, judged, and in which order.

use std::net::SocketAddr;

use super::connect::Resolve;
use super::connect_error::ConnectError;
use super::peer::Peer;

/// What a connection to the peer may dial. Nothing is resolved again before it is dialled: a name that leads
/// elsewhere the next time is judged the next time.
///
/// # Errors
/// Where nothing is found, or nothing of it may be dialled.
pub(super) async fn addresses(resolver: &dyn Resolve, peer: &Peer) -> Result<Vec<SocketAddr>, ConnectError> {
    let not_public = || ConnectError::NotPublic { host: peer.origin.host().to_owned() };
    if !peer.reach.allows_host(peer.origin.host()) {
        return Err(not_public());
    }
    let hop = peer.first_hop();
    let host = || hop.host().to_owned();
    let resolved = resolver.resolve(hop.host(), hop.port()).await;
    let resolved = resolved.map_err(|source| ConnectError::Resolve { host: host(), source })?;
    if resolved.is_empty() {
        return Err(ConnectError::NoAddress { host: host() });
    }
    if peer.proxy.is_some() {
        // The proxy, which the operator named, resolves the peer's name: of that only the provider's list of hosts
        // is left to judge by.
        return Ok(in_turn(resolved));
    }
    let found = resolved.len();
    let allowed = peer.reach.judge(resolved);
    if allowed.len() < found {
        tracing::debug!(
            ?peer,
            found,
            allowed = allowed.len(),
            "addresses that are not public are not dialled"
        );
    }
    if allowed.is_empty() { Err(not_public()) } else { Ok(in_turn(allowed)) }
}

/// At random, so that connections spread over them; the families by turns. Source: RFC 8305, section 4.
fn in_turn(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    fastrand::shuffle(&mut addresses);
    let (six, four): (Vec<_>, Vec<_>) = addresses.into_iter().partition(SocketAddr::is_ipv6);
    let both = six.len().min(four.len());
    let rest = six[both..].iter().chain(&four[both..]).copied().collect::<Vec<_>>();
    six.into_iter().zip(four).flat_map(|(six, four)| [six, four]).chain(rest).collect()
}
