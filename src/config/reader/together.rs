//! What settings say together that none of them says alone.

use std::net::SocketAddr;

use super::Reader;
use crate::config::Config;
use crate::ingress::http::HttpSettings;

impl Reader<'_> {
    /// Notes settings that contradict each other, and those that have no effect beside others.
    pub(super) fn together(&mut self, config: &Config) {
        let (grpc, admin) = (&config.grpc.listener, &config.admin.listener);
        if clash(grpc.listen, admin.listen) {
            let problem = format!(
                "expected another address than that of grpc.listen ({}), found {}, which takes the same",
                grpc.listen, admin.listen
            );
            self.error("admin.listen", problem);
        }
        let plaintext = |http: &HttpSettings| http.listener.tls.is_none();
        if grpc.tls.is_none() && admin.tls.is_none() && config.http.iter().all(plaintext) {
            for caller in config.callers.iter().filter(|caller| caller.certificate.is_some()) {
                let problem = "nobody can show a certificate without [grpc.tls], so nobody is known by it";
                self.warn(&format!("callers.{}.certificate", caller.name), problem.to_owned());
            }
        }
        for issuer in &config.issuers {
            let is_used = |issuer: &str| {
                config.callers.iter().any(|it| it.token.as_ref().is_some_and(|token| token.issuer == issuer))
            };
            if !is_used(&issuer.name) {
                let problem = "no caller is known by its tokens ([callers.NAME.jwt]), so they are of no use";
                self.warn(&format!("issuers.{}", issuer.name), problem.to_owned());
            }
        }
        self.no_effect(config);
    }

    /// Notes limits that are never reached, because a limit of everything is smaller.
    fn no_effect(&mut self, config: &Config) {
        let (grpc, admin, upstream) = (&config.grpc, &config.admin.listener, &config.upstream);
        let per_address = grpc.listener.max_connections_per_address.unwrap_or(0);
        let per_address_of_admin = admin.max_connections_per_address.unwrap_or(0);
        for ((key, part), (of, whole)) in [
            (
                ("grpc.max_connections_per_address", per_address),
                ("grpc.max_connections", grpc.listener.max_connections),
            ),
            (
                ("admin.max_connections_per_address", per_address_of_admin),
                ("admin.max_connections", admin.max_connections),
            ),
            (("limits.batch_window", grpc.batch.window), ("limits.max_in_flight", config.max_in_flight)),
            (
                ("upstream.max_connections_per_peer", upstream.max_connections_per_peer),
                ("upstream.max_connections", upstream.max_connections),
            ),
            (
                ("upstream.max_stranger_connections", upstream.max_stranger_connections),
                ("upstream.max_connections", upstream.max_connections),
            ),
            (
                ("upstream.max_stranger_peers", upstream.max_stranger_peers),
                ("upstream.max_peers", upstream.max_peers),
            ),
        ] {
            if part > whole {
                self.warn(key, format!("{part} is never reached, because {of} is {whole}"));
            }
        }
    }
}

/// Whether both take the same port of the same address. A port of 0 is any free one.
pub(super) fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let (ip, other_ip) = (one.ip(), other.ip());
    let same = ip == other_ip
        || (ip.is_ipv4() == other_ip.is_ipv4() && (ip.is_unspecified() || other_ip.is_unspecified()));
    one.port() != 0 && one.port() == other.port() && same
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_listeners_clash_where_one_takes_the_address_of_the_other() {
        for (one, other, expected) in [
            ("127.0.0.1:1", "127.0.0.1:1", true),
            ("0.0.0.0:1", "127.0.0.1:1", true),
            ("127.0.0.1:1", "127.0.0.2:1", false),
            ("127.0.0.1:1", "127.0.0.1:2", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
            ("[::]:1", "[::1]:1", true),
            ("[::1]:1", "127.0.0.1:1", false),
        ] {
            let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!((clash(one, other), clash(other, one)), (expected, expected), "{one} {other}");
        }
    }
}
