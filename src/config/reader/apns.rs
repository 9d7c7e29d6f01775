//! What the file says of one app on APNs.

use std::collections::HashMap;
use std::sync::Arc;

use fanfare_upstream::Http;

use super::Reader;
use crate::config::{ApnsConfig, ApnsCredential, AppConfig, Config, file};
use crate::credential::apns::{KeyId, SigningKey, TeamId};
use crate::provider::apns::{Apns, ApnsSettings};
use crate::push::{ApnsEnvironment, AppId};

impl Reader<'_> {
    pub(super) fn apns(&mut self, key: &str, file: file::AppApns, config: &Config) -> Option<ApnsConfig> {
        self.expect_roots(key, &config.apns_trust);
        let environment = match file.environment {
            file::ApnsEnvironment::Production => ApnsEnvironment::Production,
            file::ApnsEnvironment::Sandbox => ApnsEnvironment::Sandbox,
        };
        let settings = ApnsSettings {
            environment,
            topics: file.topics,
            certificate: file.certificate.is_some(),
            unknown_push_types: file.unknown_push_types,
        };
        let credential = match (file.token, file.certificate) {
            (Some(token), None) => self.signing_key(&format!("{key}.token"), &token),
            (None, Some(files)) => {
                let at = format!("{key}.certificate");
                let certificate = self.certificate(&at, &files, &config.apns_trust, Http::Two);
                self.expect_topics_covered(key, &at, &settings.topics);
                certificate.map(ApnsCredential::Certificate)
            }
            (None, None) => {
                self.error(key, "expected [token] or [certificate], found neither");
                None
            }
            (Some(_), Some(_)) => {
                self.error(key, "expected [token] or [certificate], found both");
                None
            }
        };
        let provider = self.ok(key, Apns::try_new(settings));
        let provider = provider.map(|provider| provider.with_front_502(file.front_502.into()));
        Some(ApnsConfig { provider: provider?, credential: credential? })
    }

    /// Apps that name the same ids share a connection, on which APNs takes the tokens of one key alone.
    /// Source: Apple, "Establishing a token-based connection to APNs".
    pub(super) fn expect_one_key_for_its_ids(&mut self, apps: &[AppConfig]) {
        let mut known: HashMap<_, (&AppId, &SigningKey)> = HashMap::new();
        for app in apps {
            let Some(ApnsCredential::Token(key)) = app.apns.as_ref().map(|apns| &apns.credential) else {
                continue;
            };
            let ids = (key.team_id().as_str(), key.key_id().as_str());
            let (first, first_key) = *known.entry(ids).or_insert((&app.id, key.as_ref()));
            if !first_key.is_same_key(key) {
                self.error(
                    &format!("apps.{}.apns.token.key_file", app.id),
                    format!("expected the key of app {first}, which has the same team_id and key_id; found another"),
                );
            }
        }
    }

    /// APNs refuses pushes to topics that the certificate does not list (`TopicDisallowed`).
    fn expect_topics_covered(&mut self, key: &str, certificate: &str, topics: &[String]) {
        let shown = self.certificates.iter().find(|shown| shown.key == certificate).cloned();
        let Some(shown) = shown else { return };
        for topic in topics.iter().filter(|topic| !shown.covers(topic)) {
            let listed = shown.apns_topics.join(", ");
            let problem = format!("expected topics of the certificate, which are {listed}, found {topic:?}");
            self.unfit(&format!("{key}.topics"), problem);
        }
    }

    fn signing_key(&mut self, key: &str, file: &file::ApnsToken) -> Option<ApnsCredential> {
        let at = format!("{key}.key_file");
        let pem = self.secret(&at, &file.key_file);
        let key_id = self.ok(&format!("{key}.key_id"), KeyId::parse(&file.key_id));
        let team_id = self.ok(&format!("{key}.team_id"), TeamId::parse(&file.team_id));
        let parsed = SigningKey::parse(&pem?, key_id?, team_id?);
        self.ok_in_file(&at, &file.key_file, parsed).map(|key| ApnsCredential::Token(Arc::new(key)))
    }
}
