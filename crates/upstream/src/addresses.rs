//! The addresses that one connect tries, and their order.

use std::net::SocketAddr;

use tokio::time::Instant;

use crate::connect_error::ConnectError;
use crate::kind::Rank;
use crate::lookups::Lookups;
use crate::peer::Peer;
use crate::settings::UpstreamSettings;

/// The addresses that a connect to the peer may dial. A name is resolved once, and what was judged is what is dialled:
/// a second resolution could lead elsewhere.
///
/// # Errors
/// It fails if no address is found until that moment, or if none of them may be dialled.
pub(crate) async fn addresses(
    lookups: &Lookups,
    peer: &Peer,
    rank: Rank,
    settings: &UpstreamSettings,
    until: Instant,
) -> Result<Vec<SocketAddr>, ConnectError> {
    peer.reach.judge_host(peer.origin.host())?;
    let resolved = lookups.look_up(peer, rank, settings, until).await?;
    if resolved.is_empty() {
        return Err(ConnectError::NoAddress { host: peer.first_hop().host().to_owned() });
    }
    if peer.proxy.is_some() {
        // These are the addresses of the proxy, which the operator named. It resolves the peer's name, so only a
        // host that is an address could be judged, above.
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
    if allowed.is_empty() {
        return Err(ConnectError::NotPublic { host: peer.origin.host().to_owned() });
    }
    Ok(in_turn(allowed))
}

/// Puts addresses in a random order, so that connections spread over them, with IPv6 and IPv4 by turns. Source: RFC
/// 8305, section 4.
fn in_turn(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    fastrand::shuffle(&mut addresses);
    let (six, four): (Vec<_>, Vec<_>) = addresses.into_iter().partition(SocketAddr::is_ipv6);
    let both = six.len().min(four.len());
    let rest = six[both..].iter().chain(&four[both..]).copied().collect::<Vec<_>>();
    six.into_iter().zip(four).flat_map(|(six, four)| [six, four]).chain(rest).collect()
}
