//! What the file says of a proxy by which upstreams are reached.

use std::path::Path;

use fanfare_upstream::{Origin, Proxies, Proxy};
use secrecy::{ExposeSecret, SecretString};

use super::Reader;
use crate::config::file;

impl Reader<'_> {
    pub(super) fn proxy(&mut self, key: &str, file: &file::Proxy) -> Option<Proxies> {
        let at = format!("{key}.url");
        let origin = self.ok(&at, file.url.parse::<Origin>()).filter(|origin| {
            if origin.tls() {
                let expected =
                    "expected a proxy spoken to without TLS, such as http://proxy:3128, found https";
                self.error(&at, expected);
            }
            !origin.tls()
        });
        let credentials = match &file.credentials_file {
            Some(file) => Some(self.proxy_credentials(&format!("{key}.credentials_file"), file)?),
            None => None,
        };
        Some(Proxies::new(Proxy::new(origin?, credentials.as_ref()), &file.no_proxy))
    }

    fn proxy_credentials(&mut self, key: &str, file: &Path) -> Option<SecretString> {
        let secret = self.secret(key, file)?;
        let line = SecretString::from(secret.expose_secret().trim_end_matches(['\r', '\n']).to_owned());
        let text = line.expose_secret();
        if !text.contains(':') || text.contains(char::is_control) {
            self.error(
                key,
                format!("{}: expected one line, user:password, found something else", file.display()),
            );
            return None;
        }
        Some(line)
    }
}
