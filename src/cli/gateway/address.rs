//! Reads the address of a gateway, as `--to` gives it.

use std::net::IpAddr;

use anyhow::{Context, ensure};
use http::Uri;
use http::uri::Scheme;
use tonic::transport::Endpoint;

/// Reads an address, and refuses one that these commands cannot connect to.
pub(super) fn endpoint(address: &str) -> anyhow::Result<Endpoint> {
    let expected = || {
        format!(
            "--to {address}: expected an address such as http://127.0.0.1:50051 or https://gateway.example:50051"
        )
    };
    // This is checked first, so that no other error repeats a password.
    ensure!(
        !address.contains('@'),
        "--to: expected an address without a user and a password, such as https://gateway.example:50051; \
         --token-file names a file with what the gateway asks for"
    );
    // The text is looked at, because tonic also takes the path of a socket.
    let scheme = address.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    ensure!(matches!(scheme.as_deref(), Some("http" | "https")), expected());
    let endpoint = Endpoint::from_shared(address.to_owned()).with_context(expected)?;
    ensure!(is_whole(endpoint.uri()), expected());
    Ok(endpoint)
}

/// Whether nothing of an address would be ignored: tonic takes the default port in place of one that is no number of a
/// port, and never sends a path.
fn is_whole(address: &Uri) -> bool {
    let host = address.host().unwrap_or_default();
    let behind = address.authority().and_then(|authority| authority.as_str().strip_prefix(host));
    let good_port = behind == Some("") || address.port_u16().is_some_and(|port| port != 0);
    !host.is_empty() && good_port && matches!(address.path(), "" | "/") && address.query().is_none()
}

/// Whether a connection to the address uses TLS.
pub(super) fn uses_tls(address: &Uri) -> bool {
    address.scheme() == Some(&Scheme::HTTPS)
}

/// Whether what is sent there never leaves this machine. Source of the name: RFC 6761, section 6.3.
pub(super) fn is_loopback(address: &Uri) -> bool {
    let host = address.host().unwrap_or_default();
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_and_https_addresses_without_a_password_are_taken() {
        for (address, expected) in [
            ("http://127.0.0.1:50051", Ok(false)),
            ("http://gateway.example", Ok(false)),
            ("HTTP://[::1]:50051", Ok(false)),
            ("https://gateway.example:443", Ok(true)),
            ("HTTPS://gateway.example", Ok(true)),
            ("grpc://gateway.example", Err("expected an address such as http://")),
            ("unix:/run/fanfare.sock", Err("expected an address such as http://")),
            ("127.0.0.1:50051", Err("expected an address such as http://")),
            ("gateway.example", Err("expected an address such as http://")),
            ("", Err("expected an address such as http://")),
            ("http://127.0.0.1:50051/", Ok(false)),
            ("https://[fd00::1]", Ok(true)),
            ("https://gateway.example:99999", Err("expected an address such as http://")),
            ("https://gateway.example:0", Err("expected an address such as http://")),
            ("https://gateway.example:", Err("expected an address such as http://")),
            ("https://:50051", Err("expected an address such as http://")),
            ("https://gateway.example/push", Err("expected an address such as http://")),
            ("https://gateway.example?push", Err("expected an address such as http://")),
            ("https://user:secret@gateway.example", Err("without a user")),
        ] {
            match (endpoint(address), expected) {
                (Ok(endpoint), Ok(tls)) => assert_eq!(uses_tls(endpoint.uri()), tls, "{address}"),
                (Err(error), Err(why)) => {
                    assert!(error.to_string().contains(why), "{address}: {error}");
                    assert!(!error.to_string().contains("secret"), "{error}");
                }
                (result, _) => panic!("{address}: {result:?}"),
            }
        }
    }

    #[test]
    fn loopback_is_told_by_what_is_written_and_no_name_is_looked_up() {
        for (address, expected) in [
            ("http://127.0.0.1:50051", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:50051", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://LocalHost:50051", true),
            ("http://localhost.example", false),
            ("http://127.0.0.1.example", false),
            ("http://10.0.0.1", false),
            ("http://[fd00::1]", false),
            ("http://0.0.0.0:50051", false),
        ] {
            assert_eq!(is_loopback(endpoint(address).unwrap().uri()), expected, "{address}");
        }
    }
}
