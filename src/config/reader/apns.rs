//! What the file says of one app on APNs.

use std::sync::Arc;

use fanfare_upstream::Http;

use super::Reader;
use crate::config::{ApnsConfig, ApnsCredential, Config, file};
use crate::credential::apns::{KeyId, SigningKey, TeamId};
use crate::provider::apns::{Apns, ApnsSettings};
use crate::push::ApnsEnvironment;

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

    fn signing_key(&mut self, key: &str, file: &file::ApnsToken) -> Option<ApnsCredential> {
        let at = format!("{key}.key_file");
        let pem = self.secret(&at, &file.key_file)?;
        let key_id = self.ok(&format!("{key}.key_id"), KeyId::parse(&file.key_id));
        let team_id = self.ok(&format!("{key}.team_id"), TeamId::parse(&file.team_id));
        let parsed = SigningKey::parse(&pem, key_id?, team_id?);
        self.ok_in_file(&at, &file.key_file, parsed).map(|key| ApnsCredential::Token(Arc::new(key)))
    }
}
