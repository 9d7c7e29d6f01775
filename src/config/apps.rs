//! What the file says of apps and proxies, checked.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::resolve::Reader;
use super::{ApnsConfig, ApnsCredential, AppConfig, FcmConfig, MattermostConfig, WebPushConfig, file};
use crate::credential::apns::{KeyId, ProviderToken, TeamId};
use crate::credential::google::Source;
use crate::credential::vapid::{Vapid, VapidKey};
use crate::provider::Front502;
use crate::provider::apns::{Apns, ApnsSettings};
use crate::provider::fcm::{Fcm, FcmSettings};
use crate::provider::mattermost::{Mattermost, MattermostSettings};
use crate::provider::webpush::{WebPush, WebPushSettings};
use crate::push::{ApnsEnvironment, AppId};
use crate::upstream::{Http, Origin, Proxies, Proxy};

impl Reader<'_> {
    pub(super) fn app(&mut self, name: &str, app: file::App, metadata: &Origin) -> Option<AppConfig> {
        let key = format!("apps.{name}");
        let id = match AppId::parse(name) {
            Ok(id) => id,
            Err(error) => {
                self.error(&key, error.to_string());
                return None;
            }
        };
        let none =
            app.apns.is_none() && app.fcm.is_none() && app.mattermost.is_none() && app.web_push.is_none();
        if none {
            let expected =
                "expected a provider: [apps.NAME.apns], .fcm, .web_push or .mattermost; found none";
            self.error(&key, expected);
        }
        let mut it = AppConfig::new(id);
        it.default_ttl = app.default_ttl;
        it.apns = app.apns.and_then(|apns| self.apns(&format!("{key}.apns"), apns));
        it.fcm = app.fcm.and_then(|fcm| self.fcm(&format!("{key}.fcm"), &fcm, metadata));
        it.mattermost = app.mattermost.and_then(|proxy| self.mattermost(&format!("{key}.mattermost"), proxy));
        it.web_push = app.web_push.and_then(|web_push| self.web_push(&format!("{key}.web_push"), web_push));
        it.proxy = app.proxy.and_then(|proxy| self.proxy(&format!("{key}.proxy"), &proxy));
        Some(it)
    }

    fn fcm(&mut self, key: &str, app: &file::AppFcm, metadata: &Origin) -> Option<FcmConfig> {
        let provider = match Fcm::try_new(&FcmSettings { project_id: app.project.clone() }) {
            Ok(provider) => Some(provider),
            Err(error) => {
                self.error(&format!("{key}.project"), error.to_string());
                None
            }
        };
        let credential = match (&app.key_file, app.metadata_server) {
            (Some(file), false) => self.google_key(&format!("{key}.key_file"), file),
            (None, true) => Some(Source::metadata_server(metadata.clone())),
            (None, false) => {
                self.error(key, "expected key_file or metadata_server = true, found neither");
                None
            }
            (Some(_), true) => {
                self.error(key, "expected key_file or metadata_server = true, found both");
                None
            }
        };
        let certificate = match &app.certificate {
            Some(files) => Some(self.certificate(&format!("{key}.certificate"), files)?),
            None => None,
        };
        Some(FcmConfig { provider: provider?, credential: credential?, certificate })
    }

    fn google_key(&mut self, key: &str, file: &Path) -> Option<Source> {
        match Source::from_json(&self.secret(key, file)?) {
            Ok(source) => Some(source),
            Err(error) => {
                self.error(key, format!("{}: {error}", file.display()));
                None
            }
        }
    }

    fn mattermost(&mut self, key: &str, app: file::AppMattermost) -> Option<MattermostConfig> {
        let origin = match app.url.parse::<Origin>() {
            Ok(origin) => Some(origin),
            Err(error) => {
                self.error(&format!("{key}.url"), error.to_string());
                None
            }
        };
        let provider = match Mattermost::try_new(MattermostSettings { server_id: app.server_id }) {
            Ok(provider) => Some(provider.with_front_502(app.front_502.into())),
            Err(error) => {
                self.error(&format!("{key}.server_id"), error.to_string());
                None
            }
        };
        let extra_roots = self.extra_roots(&format!("{key}.ca_files"), &app.ca_files);
        Some(MattermostConfig { provider: provider?, origin: origin?, http: app.http.into(), extra_roots })
    }

    fn web_push(&mut self, key: &str, app: file::AppWebPush) -> Option<WebPushConfig> {
        let settings = WebPushSettings { hosts: app.hosts, any_port: app.any_port, pad_to: app.pad_to };
        let provider = match WebPush::try_new(settings) {
            Ok(provider) => Some(provider.with_front_502(app.front_502.into())),
            Err(error) => {
                self.error(&format!("{key}.hosts"), error.to_string());
                None
            }
        };
        let vapid_key = self.vapid_key(key, &app.key_file, app.public_key.as_deref())?;
        // Made here once to be checked: what is wrong with a subject is known before anything listens.
        if let Err(error) = Vapid::new(&vapid_key, &app.subject, 1) {
            self.error(&format!("{key}.subject"), error.to_string());
            return None;
        }
        Some(WebPushConfig {
            provider: provider?,
            key: vapid_key,
            subject: app.subject,
            private_addresses: app.private_addresses,
            http: app.http.into(),
        })
    }

    /// Browsers made their subscriptions with `public_key`, and push services refuse every other.
    fn vapid_key(&mut self, key: &str, file: &Path, public_key: Option<&str>) -> Option<SecretString> {
        let at = format!("{key}.key_file");
        let secret = self.secret(&at, file)?;
        match VapidKey::parse(&secret) {
            Ok(pair) if public_key.is_none_or(|public_key| pair.is_of(public_key)) => Some(secret),
            Ok(pair) => {
                let (file, own) = (file.display(), pair.public_key());
                let found = public_key.unwrap_or_default();
                self.error(
                    &format!("{key}.public_key"),
                    format!("expected the public key of {file}, which is {own}, found {found}"),
                );
                None
            }
            Err(error) => {
                self.error(&at, format!("{}: {error}", file.display()));
                None
            }
        }
    }

    pub(super) fn proxy(&mut self, key: &str, proxy: &file::Proxy) -> Option<Proxies> {
        let at = format!("{key}.url");
        let origin = match proxy.url.parse::<Origin>() {
            Ok(origin) if !origin.tls() => Some(origin),
            Ok(_) => {
                self.error(
                    &at,
                    "expected a proxy spoken to without TLS, such as http://proxy:3128, found https",
                );
                None
            }
            Err(error) => {
                self.error(&at, error.to_string());
                None
            }
        };
        let credentials = match &proxy.credentials_file {
            Some(file) => Some(self.proxy_credentials(&format!("{key}.credentials_file"), file)?),
            None => None,
        };
        Some(Proxies::new(Proxy::new(origin?, credentials.as_ref()), &proxy.no_proxy))
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

    fn apns(&mut self, key: &str, app: file::AppApns) -> Option<ApnsConfig> {
        let environment = match app.environment {
            file::ApnsEnvironment::Production => ApnsEnvironment::Production,
            file::ApnsEnvironment::Sandbox => ApnsEnvironment::Sandbox,
        };
        let certificate = app.certificate.is_some();
        let credential = match (app.token, app.certificate) {
            (Some(token), None) => self.apns_token(&format!("{key}.token"), token),
            (None, Some(certificate)) => {
                self.certificate(&format!("{key}.certificate"), &certificate).map(ApnsCredential::Certificate)
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
        let settings = ApnsSettings {
            environment,
            topics: app.topics,
            certificate,
            unknown_push_types: app.unknown_push_types,
        };
        let provider = match Apns::try_new(settings) {
            Ok(provider) => Some(provider.with_front_502(app.front_502.into())),
            Err(error) => {
                self.error(key, error.to_string());
                None
            }
        };
        Some(ApnsConfig { provider: provider?, credential: credential? })
    }

    fn apns_token(&mut self, key: &str, file: file::ApnsToken) -> Option<ApnsCredential> {
        let at = format!("{key}.key_file");
        let pem = self.secret(&at, &file.key_file)?;
        let key_id = KeyId::parse(&file.key_id);
        let key_id = key_id.map_err(|error| self.error(&format!("{key}.key_id"), error.to_string()));
        let team_id = TeamId::parse(&file.team_id);
        let team_id = team_id.map_err(|error| self.error(&format!("{key}.team_id"), error.to_string()));
        // Made here once to be checked: what is wrong with a key is known before anything listens.
        if let Err(error) = ProviderToken::new(&pem, key_id.ok()?, team_id.ok()?) {
            self.error(&at, format!("{}: {error}", file.key_file.display()));
            return None;
        }
        Some(ApnsCredential::Token { key: pem, key_id: file.key_id, team_id: file.team_id })
    }
}

impl From<file::Front502> for Front502 {
    fn from(front_502: file::Front502) -> Self {
        match front_502 {
            file::Front502::Unknown => Self::Unknown,
            file::Front502::NotSent => Self::NotSent,
        }
    }
}

impl From<file::Http> for Http {
    fn from(http: file::Http) -> Self {
        match http {
            file::Http::Auto => Self::Either,
            file::Http::One => Self::One,
            file::Http::Two => Self::Two,
        }
    }
}
