//! Counts the connections of each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// The bits of an IPv6 address that name its network. One host may take every address of its network, so they count as one.
/// Source: RFC 4291, section 2.5.1.
const NETWORK: u128 = !0 << 64;

/// The connections of each address, of which there are at most so many as the listener has connections.
#[derive(Debug)]
pub(super) struct Addresses {
    most: Option<usize>,
    connections: Mutex<HashMap<IpAddr, usize>>,
}

impl Addresses {
    /// Allows so many for each address, or any number.
    pub(super) fn new(most: Option<usize>) -> Arc<Self> {
        Arc::new(Self { most, connections: Mutex::default() })
    }

    /// Counts one more until what is returned is dropped. It is none where the address has as many as it may have.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Entered> {
        let Some(most) = self.most else { return Some(Entered(None)) };
        let network = network(address);
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let count = connections.entry(network).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Entered(Some((Arc::clone(self), network))))
    }

    fn leave(&self, network: &IpAddr) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = connections.get_mut(network) {
            *count -= 1;
            if *count == 0 {
                connections.remove(network);
            }
        }
    }
}

/// A connection that is counted.
#[derive(Debug)]
pub(super) struct Entered(Option<(Arc<Addresses>, IpAddr)>);

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some((addresses, network)) = &self.0 {
            addresses.leave(network);
        }
    }
}

/// What counts as one address: an IPv4 address, or the network of an IPv6 address.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_most_until_one_leaves_and_a_network_of_64_bits_is_one() {
        let addresses = Addresses::new(Some(1));
        let enter = |text: &str| addresses.enter(text.parse().unwrap());
        let first = enter("10.0.0.1");
        assert!(first.is_some() && enter("10.0.0.1").is_none() && enter("::ffff:10.0.0.1").is_none());
        let other = enter("10.0.0.2");
        assert!(other.is_some());
        drop(first);
        assert!(enter("10.0.0.1").is_some());
        let six = enter("2001:db8::1");
        assert!(six.is_some() && enter("2001:db8::2").is_none() && enter("2001:db8:0:1::1").is_some());
        drop((other, six));
        assert!(addresses.connections.lock().unwrap().is_empty());
    }
}
