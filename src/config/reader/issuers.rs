//! What the file says of the issuers of callers' tokens.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fanfare_upstream::{Http, Origin};
use http::Uri;

use super::Reader;
use crate::caller::jwt::{IssuerSettings, JwksFetch, JwksSource, KeySet, SigningAlgorithm};
use crate::config::{Config, file};

/// Keys are fetched no more often than this, however short the setting is.
const SHORTEST_REFRESH: Duration = Duration::from_secs(1);

impl Reader<'_> {
    /// Reads an issuer. `config` holds the settings of upstreams, and `earlier` the issuers that were read before.
    pub(super) fn issuer(
        &mut self,
        name: &str,
        file: &file::Issuer,
        config: &Config,
        earlier: &[IssuerSettings],
    ) -> Option<IssuerSettings> {
        let key = format!("issuers.{name}");
        self.expect_text(&format!("{key}.issuer"), &file.issuer);
        if let Some(same) = earlier.iter().find(|issuer| issuer.issuer == file.issuer) {
            let problem =
                format!("expected another \"iss\" than that of issuers.{}, found the same", same.name);
            self.error(&format!("{key}.issuer"), problem);
        }
        let at = format!("{key}.audience");
        let audiences = match &file.audience {
            file::OneOrMany::One(audience) => vec![audience.clone()],
            file::OneOrMany::Many(audiences) => audiences.clone(),
        };
        if audiences.is_empty() {
            self.error(&at, "expected at least one audience, since a token for others is none for this gateway; found none");
        }
        audiences.iter().for_each(|audience| self.expect_text(&at, audience));
        let claim = file.claim.clone().unwrap_or_else(|| IssuerSettings::CLAIM.to_owned());
        self.expect_text(&format!("{key}.claim"), &claim);
        let algorithms = self.algorithms(&format!("{key}.algorithms"), file.algorithms.as_deref())?;
        let jwks = match (&file.jwks_file, &file.jwks_url) {
            (Some(path), None) => {
                self.expect_nothing_of_fetches(&key, file);
                self.jwks_file(&format!("{key}.jwks_file"), path, &algorithms)
            }
            (None, Some(url)) => self.jwks_url(&key, url, file, config),
            (None, None) => {
                self.error(&key, "expected jwks_file or jwks_url, found neither");
                None
            }
            (Some(_), Some(_)) => {
                self.error(&key, "expected jwks_file or jwks_url, found both");
                None
            }
        };
        let (name, issuer, jwks) = (name.into(), file.issuer.clone(), jwks?);
        Some(IssuerSettings { name, issuer, audiences, algorithms, claim, jwks })
    }

    fn algorithms(&mut self, key: &str, names: Option<&[String]>) -> Option<Vec<SigningAlgorithm>> {
        let Some(names) = names else { return Some(SigningAlgorithm::DEFAULT.to_vec()) };
        if names.is_empty() {
            self.error(key, "expected at least one algorithm, found none");
        }
        let mut algorithms = Vec::new();
        for name in names {
            // With fewer algorithms than the file lists, good keys would be reported as well.
            let algorithm: SigningAlgorithm = self.ok(key, name.parse())?;
            if algorithms.contains(&algorithm) {
                self.error(key, format!("expected each algorithm once, found {algorithm} twice"));
            }
            algorithms.push(algorithm);
        }
        (!algorithms.is_empty()).then_some(algorithms)
    }

    fn expect_nothing_of_fetches(&mut self, key: &str, file: &file::Issuer) {
        let settings = [
            ("refresh", file.refresh.is_some()),
            ("max_stale", file.max_stale.is_some()),
            ("ca_files", !file.ca_files.is_empty()),
        ];
        for (setting, _) in settings.iter().filter(|(_, found)| *found) {
            self.error(
                &format!("{key}.{setting}"),
                "expected it beside jwks_url alone, found it beside jwks_file",
            );
        }
    }

    fn jwks_file(&mut self, key: &str, file: &Path, algorithms: &[SigningAlgorithm]) -> Option<JwksSource> {
        let text = self.read(key, file)?.into_bytes();
        let keys = self.ok_in_file(key, file, KeySet::parse(&text, algorithms))?;
        Some(JwksSource::File(Arc::new(keys)))
    }

    fn jwks_url(&mut self, key: &str, url: &str, file: &file::Issuer, config: &Config) -> Option<JwksSource> {
        let place = place(url).map_err(|why| {
            format!("expected a URL such as https://idp.example/jwks.json, found {url:?}: {why}")
        });
        let place = self.ok(&format!("{key}.jwks_url"), place);
        let (mut refresh, mut max_stale) = (JwksFetch::REFRESH, JwksFetch::MAX_STALE);
        self.wait(&format!("{key}.refresh"), &mut refresh, file.refresh);
        self.wait(&format!("{key}.max_stale"), &mut max_stale, file.max_stale);
        if refresh < SHORTEST_REFRESH {
            let problem = format!("expected at least {SHORTEST_REFRESH:?}, found {refresh:?}");
            self.error(&format!("{key}.refresh"), problem);
        }
        if max_stale < refresh {
            let problem = format!("expected at least {key}.refresh ({refresh:?}), found {max_stale:?}");
            self.error(&format!("{key}.max_stale"), problem);
        }
        let trust = self.trust(&format!("{key}.ca_files"), &config.trust, &file.ca_files);
        let (origin, path) = place?;
        if origin.tls() {
            self.expect_roots(key, &trust);
        }
        let tls = Arc::clone(trust.tls(Http::Either));
        Some(JwksSource::Fetched(JwksFetch { origin, path, tls, refresh, max_stale }))
    }

    fn expect_text(&mut self, key: &str, text: &str) {
        if text.is_empty() {
            self.error(key, "expected a text, found an empty one");
        }
    }
}

/// Returns the origin and the path of an https URL. An http URL may only lead to loopback, since whoever answers says which
/// keys are good.
fn place(url: &str) -> Result<(Origin, String), &'static str> {
    let uri: Uri = url.parse().map_err(|_| "it is no URL")?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err("it is no whole URL");
    };
    let origin: Origin =
        format!("{scheme}://{authority}").parse().map_err(|_| "it has no origin that can be reached")?;
    let host = origin.host().trim_start_matches('[').trim_end_matches(']');
    let loopback = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if !origin.tls() && !loopback {
        return Err("it is not https");
    }
    Ok((origin, uri.path_and_query().map_or("/", |path| path.as_str()).to_owned()))
}
