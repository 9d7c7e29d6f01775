//! Which addresses connections may go to.
//!
//! Where somebody from outside names a peer, that peer must not be a host that only this machine can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::connect_error::ConnectError;

/// To which addresses connections to a peer may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Connections may go to any address. This is for peers that the operator of the process names.
    Anywhere,
    /// Connections may go to public addresses only. This is for peers that somebody from outside names: they cannot be
    /// used to reach loopback, private networks, or the metadata service of a cloud. Behind a proxy, which resolves
    /// names itself, only a host that is an address is judged.
    Public,
}

impl Reach {
    /// Keeps the addresses to which a connection may go. They are the ones to dial, since a second resolution may find
    /// others.
    pub(crate) fn judge(self, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        addresses.retain(|address| self.allows(address.ip()));
        addresses
    }

    /// Judges the host of a peer, if that is an address. A name is judged by its addresses, when a connection is to be made.
    ///
    /// # Errors
    /// Fails if no connection may go to the address.
    pub fn judge_host(self, host: &str) -> Result<(), ConnectError> {
        match host.parse() {
            Ok(address) if !self.allows(address) => Err(ConnectError::NotPublic { host: host.to_owned() }),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn allows(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Anywhere, _) => true,
            (Self::Public, IpAddr::V4(four)) => public_v4(four),
            (Self::Public, IpAddr::V6(six)) => public_v6(six),
        }
    }
}

/// Blocks of IPv4 that are not public. Source: IANA, "IPv4 Special-Purpose Address Registry" (RFC 6890),
/// except for the entries that name another source.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Virtual machines in clouds find their credentials here.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // These were relays of 6to4, which is deprecated. Source: RFC 7526, section 4.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // This is multicast. Source: IANA, "IPv4 Multicast Address Space Registry" (RFC 5771).
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // This block ends with the address of broadcasts.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    // This public address leads to the host of a virtual machine. Source: Microsoft, "What is IP address
    // 168.63.129.16?".
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// Global unicast. What lies outside of it is loopback, private, local to a link, multicast, translated, or nobody's.
/// Source: IANA, "Internet Protocol Version 6 Address Space" (RFC 4291, section 2.4).
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Blocks of global unicast that are not public. Source: IANA, "IPv6 Special-Purpose Address Registry".
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    // These are protocol assignments. One of them is Teredo (2001::/32), whose relays decide where an address leads.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // This is 6to4, which is deprecated, and leads to any IPv4 address. Source: RFC 7526.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// IPv4 addresses under another name, on this machine. Source: RFC 4291, section 2.5.5.2.
const MAPPED: (Ipv6Addr, u32) = (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96);

/// IPv4 addresses that a network without IPv4 reaches through a translator. The prefixes for local use, 64:ff9b:1::/48
/// (RFC 8215), are not global unicast. Source: RFC 6052, section 2.1.
const TRANSLATED: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

fn public_v4(address: Ipv4Addr) -> bool {
    let inside = |(block, length): (Ipv4Addr, u32)| {
        let differs = block.to_bits() ^ address.to_bits();
        differs.leading_zeros() >= length
    };
    !NOT_PUBLIC_V4.into_iter().any(inside)
}

/// Judges an address that stands for one of IPv4 as that one.
fn public_v6(address: Ipv6Addr) -> bool {
    let inside = |(block, length): (Ipv6Addr, u32)| {
        let differs = block.to_bits() ^ address.to_bits();
        differs.leading_zeros() >= length
    };
    if inside(MAPPED) || inside(TRANSLATED) {
        let [.., a, b, c, d] = address.octets();
        return public_v4(Ipv4Addr::new(a, b, c, d));
    }
    inside(GLOBAL_UNICAST) && !NOT_PUBLIC_V6.into_iter().any(inside)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public(address: &str) -> bool {
        Reach::Public.allows(address.parse().unwrap())
    }

    #[test]
    fn each_block_is_refused_from_its_first_address_to_its_last_and_no_further() {
        for (first, last, before, after) in [
            ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
            ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
            ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
            ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
            ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
            ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
            ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
            ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
            ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
            ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
            ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
            ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
            ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
            ("224.0.0.0", "239.255.255.255", Some("223.255.255.255"), None),
            ("240.0.0.0", "255.255.255.255", None, None),
            ("168.63.129.16", "168.63.129.16", Some("168.63.129.15"), Some("168.63.129.17")),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", None, Some("2001:200::")),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:db7::1"), Some("2001:db9::")),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:ffff::1"), Some("2003::")),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Some("3ffe:ffff::1"), Some("3fff:1000::")),
        ] {
            assert!(!public(first) && !public(last), "{first} to {last}");
            assert!([before, after].into_iter().flatten().all(public), "beside {first} to {last}");
        }
    }

    #[test]
    fn of_ipv6_only_global_unicast_is_public() {
        for address in [
            "::",
            "::1",
            "::7f00:1",
            "::8.8.8.8",
            "100::1",
            "64:ff9b:1::808:808",
            "1fff:ffff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::ffff:0:8.8.8.8",
        ] {
            assert!(!public(address), "{address}");
        }
        for address in ["2000::1", "2606:4700::6810:1", "2a00:1450:4001:80f::200a"] {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn a_host_that_is_an_address_is_judged_and_a_name_is_not() {
        for host in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254"] {
            assert!(
                Reach::Public.judge_host(host).is_err() && Reach::Anywhere.judge_host(host).is_ok(),
                "{host}"
            );
        }
        for host in ["peer.example", "localhost", "8.8.8.8", "::ffff:8.8.8.8"] {
            assert!(Reach::Public.judge_host(host).is_ok(), "{host}");
        }
    }

    proptest! {
        /// No form that hides an IPv4 address leads to one that is not public.
        #[test]
        fn what_stands_for_an_ipv4_address_reaches_no_further_than_that(bits: u32) {
            let four = Ipv4Addr::from_bits(bits);
            let public = Reach::Public.allows(four.into());
            let low = u128::from(bits);
            let same = [0x0000_ffff << 32, 0x0064_ff9b << 96];
            for prefix in same {
                let six = Ipv6Addr::from_bits(prefix | low);
                prop_assert_eq!(Reach::Public.allows(six.into()), public, "{}", six);
            }
            let teredo = 0x2001_u128 << 112 | u128::from(!bits);
            let local = (0x0064_ff9b_0001_u128 << 80) | low;
            for hides in [low, 0xffff_0000 << 32 | low, local, 0x2002 << 112 | low << 80, teredo] {
                let six = Ipv6Addr::from_bits(hides);
                prop_assert!(!Reach::Public.allows(six.into()), "{}", six);
            }
        }

        /// The addresses that are kept stay in their order.
        #[test]
        fn of_many_addresses_the_public_ones_are_kept(hosts: Vec<u32>) {
            let all: Vec<_> = hosts.into_iter().map(|it| SocketAddr::from((Ipv4Addr::from_bits(it), 443))).collect();
            prop_assert_eq!(&Reach::Anywhere.judge(all.clone()), &all);
            let kept = Reach::Public.judge(all.clone());
            let wanted: Vec<_> = all.into_iter().filter(|it| Reach::Public.allows(it.ip())).collect();
            prop_assert_eq!(kept, wanted);
        }
    }
}
