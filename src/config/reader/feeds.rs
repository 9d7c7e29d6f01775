//! What the file says of feeds.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use fanfare_upstream::{Http, Origin, Peer, Reach, Request};
use http::{Method, Uri};
use secrecy::ExposeSecret;

use super::Reader;
use crate::config::{Config, file};
use crate::feed::{FeedSettings, LARGEST_QUEUE, SigningSecret, Wanted};
use crate::push::{AppId, visible_ascii};

/// The most feeds. Each is a task, and a peer of its own.
const MAX_FEEDS: usize = 16;

/// The longest name, in bytes. The number is the gateway's own.
const MAX_NAME_BYTES: usize = 64;

/// The most events of one request. The number is the gateway's own.
const LARGEST_BATCH: usize = 1000;

/// The most secrets: a newer one beside the one that it replaces.
const MAX_SECRETS: usize = 2;

impl Reader<'_> {
    /// Reads the feeds. `config` holds the apps and what all upstreams have in common.
    pub(super) fn feeds(&mut self, files: &[file::Feed], config: &Config) -> Vec<FeedSettings> {
        if files.len() > MAX_FEEDS {
            self.error("feed", format!("expected at most {MAX_FEEDS} tables, found {}", files.len()));
        }
        let mut read: Vec<FeedSettings> = Vec::new();
        for (at, file) in files.iter().take(MAX_FEEDS).enumerate() {
            let table = format!("feed.{at}");
            let Some(settings) = self.feed(&table, file, config) else { continue };
            if read.iter().any(|earlier| earlier.name == settings.name) {
                let problem = format!("expected a name of its own, found {:?} twice", &*settings.name);
                self.error(&format!("{table}.name"), problem);
            }
            read.push(settings);
        }
        read
    }

    fn feed(&mut self, table: &str, file: &file::Feed, config: &Config) -> Option<FeedSettings> {
        let at = |key: &str| format!("{table}.{key}");
        let name = self.feed_name(&at("name"), file.name.as_deref());
        let secrets = match &file.secret_file {
            Some(secret_file) => self.signing_secrets(&at("secret_file"), secret_file),
            None => {
                self.error(
                    &at("secret_file"),
                    "expected a file with the secret that signs requests, found none",
                );
                None
            }
        };
        let wanted = self.wanted(&at("outcomes"), file.outcomes.as_deref());
        let apps = file.apps.as_deref().map(|apps| self.feed_apps(&at("apps"), apps, config));
        let place = self.feed_url(&at("url"), file);
        let trust = self.trust(&at("ca_files"), &config.trust, &file.ca_files);
        let (name, secrets, (origin, path)) = (name?, secrets?, place?);
        if origin.tls() {
            self.expect_roots(&at("ca_files"), &trust);
        }
        let peer = Peer {
            proxy: config.proxy.as_ref().and_then(|proxies| proxies.on_the_way_to(&origin)),
            origin,
            // Each feed may have roots of its own, so its connections are shared with nobody.
            identity: format!("feed {name}").into(),
            tls: Arc::clone(trust.tls(Http::Either)),
            http: Http::Either,
            reach: Reach::Anywhere,
            proves_credential: false,
        };
        let mut settings = FeedSettings::new(&name, peer, path, secrets);
        (settings.wanted, settings.apps) = (wanted, apps);
        self.positive(&at("max_queue"), &mut settings.max_queue, file.max_queue);
        self.positive(&at("batch_max"), &mut settings.batch_max, file.batch_max);
        self.at_most(&at("max_queue"), settings.max_queue, LARGEST_QUEUE);
        self.at_most(&at("batch_max"), settings.batch_max, LARGEST_BATCH);
        self.wait(&at("batch_delay"), &mut settings.batch_delay, file.batch_delay);
        self.wait(&at("timeout"), &mut settings.timeout, file.timeout);
        self.wait(&at("max_age"), &mut settings.max_age, file.max_age);
        let most = config.upstream.answer_timeout;
        if settings.timeout > most {
            let found = settings.timeout;
            let problem = format!("{found:?} is never reached, because upstream.answer_timeout is {most:?}");
            self.warn(&at("timeout"), problem);
        }
        Some(settings)
    }

    fn feed_name(&mut self, key: &str, name: Option<&str>) -> Option<String> {
        let Some(name) = name else {
            self.error(key, "expected a name, found none");
            return None;
        };
        self.ok(key, visible_ascii("a name", name, MAX_NAME_BYTES))?;
        Some(name.to_owned())
    }

    /// Where the receiver is. Who reads along on the way could send to every device that is told, and who answers in its place
    /// would keep what is told, so TLS is left out on loopback alone, unless the file says otherwise.
    fn feed_url(&mut self, key: &str, file: &file::Feed) -> Option<(Origin, String)> {
        let Some(url) = &file.url else {
            self.error(key, "expected a URL such as https://crm.example/fanfare, found none");
            return None;
        };
        let Some((origin, path)) = origin_and_path(url) else {
            // The text is not told, since a URL of a webhook may hold a secret.
            let problem = "expected a URL such as https://crm.example/fanfare, without user and fragment, found another text";
            self.error(key, problem);
            return None;
        };
        if origin.tls() || is_loopback(origin.host()) {
            return Some((origin, path));
        }
        let travels = "tokens of devices would travel unencrypted";
        if !file.plaintext_anywhere {
            let problem = format!(
                "expected https, or http on loopback, found http to {}: {travels} (plaintext_anywhere = true permits it)",
                origin.host()
            );
            self.error(key, problem);
            return None;
        }
        self.warn(key, format!("{travels} to {}; whoever reads along can use them", origin.host()));
        Some((origin, path))
    }

    fn signing_secrets(&mut self, key: &str, file: &Path) -> Option<Vec<SigningSecret>> {
        let text = self.secret(key, file)?;
        let lines = text.expose_secret().lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        let read = lines.map(|(line, number)| {
            SigningSecret::parse(line.trim()).map_err(|error| format!("line {number}: {error}"))
        });
        let secrets: Vec<_> = self.ok_in_file(key, file, read.collect::<Result<_, _>>())?;
        if !(1..=MAX_SECRETS).contains(&secrets.len()) {
            let problem = format!(
                "{}: expected one secret, or two in two lines, found {}",
                file.display(),
                secrets.len()
            );
            self.error(key, problem);
            return None;
        }
        Some(secrets)
    }

    fn wanted(&mut self, key: &str, names: Option<&[String]>) -> Wanted {
        let Some(names) = names else { return Wanted::DELETE };
        if names.is_empty() {
            self.error(key, "expected at least one name, found none");
        }
        names.iter().fold(Wanted::default(), |all, name| match Wanted::named(name) {
            Some(wanted) => all.or(wanted),
            None => {
                let known: Vec<_> = Wanted::names().collect();
                self.error(key, format!("expected one of {}, found {name:?}", known.join(", ")));
                all
            }
        })
    }

    fn feed_apps(&mut self, key: &str, names: &[String], config: &Config) -> Vec<AppId> {
        if names.is_empty() {
            self.error(key, "expected at least one app, or no such key for all of them; found an empty list");
        }
        let known = |name: &String| config.apps.iter().find(|app| app.id.as_str() == name).map(|app| &app.id);
        let mut apps = Vec::new();
        for name in names {
            match known(name) {
                Some(id) => apps.push(id.clone()),
                None => self.error(key, format!("expected the name of one of [apps.NAME], found {name:?}")),
            }
        }
        apps
    }

    fn at_most(&mut self, key: &str, found: usize, most: usize) {
        if found > most {
            self.error(key, format!("expected at most {most}, found {found}"));
        }
    }
}

/// The origin of a URL, and what stands behind it, which may have a query.
fn origin_and_path(url: &str) -> Option<(Origin, String)> {
    let uri: Uri = url.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let origin = format!("{scheme}://{authority}").parse().ok()?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if url.contains('#') || Request::new(&Method::POST, &[path], bytes::Bytes::new()).is_err() {
        return None;
    }
    Some((origin, path.to_owned()))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_origin_and_a_path_with_its_query() {
        for (url, expected) in [
            ("https://crm.example", Some(("https://crm.example", "/"))),
            ("https://crm.example:8443/a/b?c=d", Some(("https://crm.example:8443", "/a/b?c=d"))),
            ("http://[::1]:8080/x", Some(("http://[::1]:8080", "/x"))),
            ("https://user@crm.example/", None),
            ("https://crm.example/#a", None),
            ("ftp://crm.example/", None),
            ("crm.example", None),
            ("/a", None),
            ("", None),
        ] {
            let found = origin_and_path(url).map(|(origin, path)| (origin.to_string(), path));
            let expected = expected.map(|(origin, path): (&str, &str)| (origin.to_owned(), path.to_owned()));
            assert_eq!(found, expected, "{url}");
        }
        for (host, is) in [("localhost", true), ("127.8.9.1", true), ("::1", true), ("10.0.0.1", false)] {
            assert_eq!(is_loopback(host), is, "{host}");
        }
    }
}
