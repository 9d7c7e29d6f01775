//! Reads the address of a gateway, as `--to` gives it.

use anyhow::{Context, ensure};
use tonic::transport::Endpoint;

/// Reads an address, and refuses one that these commands cannot connect to.
pub(super) fn endpoint(address: &str) -> anyhow::Result<Endpoint> {
    let expected = || format!("--to {address}: expected an address such as http://127.0.0.1:50051");
    // This is checked first, so that no other error repeats a password.
    ensure!(
        !address.contains('@'),
        "--to: expected an address without a user and a password, such as http://127.0.0.1:50051; the gateway asks for \
         neither"
    );
    let scheme = address.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    ensure!(
        scheme.as_deref() != Some("https"),
        "--to {address}: this command does not speak TLS yet, and would send the push unencrypted; \
         expected an address such as http://127.0.0.1:50051"
    );
    ensure!(scheme.as_deref() == Some("http"), expected());
    Endpoint::from_shared(address.to_owned()).with_context(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_addresses_without_a_password_are_taken() {
        for (address, refused) in [
            ("http://127.0.0.1:50051", None),
            ("http://gateway.example", None),
            ("HTTP://[::1]:50051", None),
            ("https://gateway.example:443", Some("does not speak TLS yet")),
            ("HTTPS://gateway.example", Some("does not speak TLS yet")),
            ("grpc://gateway.example", Some("expected an address such as http://")),
            ("unix:/run/fanfare.sock", Some("expected an address such as http://")),
            ("127.0.0.1:50051", Some("expected an address such as http://")),
            ("gateway.example", Some("expected an address such as http://")),
            ("", Some("expected an address such as http://")),
            ("http://user:secret@gateway.example", Some("without a user")),
        ] {
            match (endpoint(address), refused) {
                (Ok(_), None) => {}
                (Err(error), Some(why)) => {
                    assert!(error.to_string().contains(why), "{address}: {error}");
                    assert!(!error.to_string().contains("secret"), "{error}");
                }
                (result, _) => panic!("{address}: {result:?}"),
            }
        }
    }
}
