//! The proxy on the way to push services, as other gateways name it: by a URL, in which a password may stand.

use fanfare_upstream::Origin;
use secrecy::SecretString;

/// The file of the credentials that stood in the URL of a proxy.
pub(super) const PROXY_CREDENTIALS: &str = "proxy-credentials";

/// A proxy that was named by a URL.
pub(super) struct NamedProxy {
    /// The URL without credentials.
    pub(super) url: String,
    /// Its user and password, as the gateway reads them from a file.
    pub(super) credentials: Option<SecretString>,
}

/// Why a proxy cannot be taken over. The URL is not repeated, because a part of a password may stand anywhere in one that is
/// damaged.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a URL such as http://proxy:3128 or http://USER:PASSWORD@proxy:3128, found something else")]
pub(super) struct OtherProxy;

impl NamedProxy {
    /// Takes a URL apart. Without a scheme it is one of http.
    ///
    /// # Errors
    /// Fails if the gateway could not use such a proxy.
    pub(super) fn parse(url: &str) -> Result<Self, OtherProxy> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(OtherProxy);
        }
        let (credentials, host) =
            rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
        let url = format!("http://{}", host.trim_end_matches('/'));
        url.parse::<Origin>().map_err(|_| OtherProxy)?;
        let credentials = match credentials {
            Some(text) => {
                Some(decoded(text).filter(|credentials| credentials.contains(':')).ok_or(OtherProxy)?)
            }
            None => None,
        };
        Ok(Self { url, credentials: credentials.map(SecretString::from) })
    }
}

/// A text without percent-encoding. Source: RFC 3986, section 2.1.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn credentials_are_taken_off() {
        for (named, url, credentials) in [
            ("http://proxy:3128", "http://proxy:3128", None),
            ("HTTP://[::1]:3128/", "http://[::1]:3128", None),
            ("proxy.example:3128", "http://proxy.example:3128", None),
            ("http://us%65r:p%40:s+s@proxy", "http://proxy", Some("user:p@:s+s")),
            ("http://user:a/b@c@proxy:1", "http://proxy:1", Some("user:a/b@c")),
        ] {
            let parsed = NamedProxy::parse(named).ok().unwrap();
            assert_eq!(parsed.url, url);
            assert_eq!(parsed.credentials.as_ref().map(ExposeSecret::expose_secret), credentials, "{named}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_proxy_is_not_repeated() {
        for other in [
            "https://proxy",
            "http://user:hunter2",
            "http://user:hunter2/proxy",
            "http://proxy:3128/path",
            "http://user@proxy",
            "http://user:%zz@proxy",
            "http://u:p@",
            "a b",
            "",
        ] {
            assert_eq!(NamedProxy::parse(other).err(), Some(OtherProxy), "{other}");
        }
        assert!(!OtherProxy.to_string().contains("hunter2"));
    }
}
