//! What the file says of one app, of FCM and of a Mattermost push proxy.

use std::path::Path;
use std::sync::Arc;

use fanfare_upstream::{Http, Origin};

use super::Reader;
use crate::config::{AppConfig, Config, FcmConfig, MattermostConfig, file};
use crate::credential::google::Source;
use crate::provider::Front502;
use crate::provider::fcm::{Fcm, FcmSettings};
use crate::provider::mattermost::{Mattermost, MattermostSettings};
use crate::push::AppId;

impl Reader<'_> {
    /// Reads an app. `config` holds everything but the apps.
    pub(super) fn app(&mut self, name: &str, file: file::App, config: &Config) -> Option<AppConfig> {
        let key = format!("apps.{name}");
        let id = self.ok(&key, AppId::parse(name))?;
        if file.apns.is_none() && file.fcm.is_none() && file.mattermost.is_none() && file.web_push.is_none() {
            let expected =
                "expected a provider: [apps.NAME.apns], .fcm, .web_push or .mattermost; found none";
            self.error(&key, expected);
        }
        let mut app = AppConfig::new(id);
        app.default_ttl = file.default_ttl;
        app.weight = file.weight.unwrap_or(app.weight);
        if app.weight == 0 {
            self.error(&format!("{key}.weight"), "expected more than 0, found 0");
        }
        app.apns = file.apns.and_then(|apns| self.apns(&format!("{key}.apns"), apns, config));
        app.fcm = file.fcm.and_then(|fcm| self.fcm(&format!("{key}.fcm"), &fcm, config));
        let mattermost = format!("{key}.mattermost");
        app.mattermost = file.mattermost.and_then(|proxy| self.mattermost(&mattermost, proxy, config));
        let web_push = format!("{key}.web_push");
        app.web_push = file.web_push.and_then(|file| self.web_push(&web_push, file, config));
        app.proxy = file.proxy.and_then(|proxy| self.proxy(&format!("{key}.proxy"), &proxy));
        Some(app)
    }

    fn fcm(&mut self, key: &str, file: &file::AppFcm, config: &Config) -> Option<FcmConfig> {
        self.expect_roots(key, &config.fcm.trust);
        let settings = FcmSettings { project_id: file.project.clone() };
        let provider = self.ok(&format!("{key}.project"), Fcm::try_new(&settings));
        let credential = match (&file.key_file, file.metadata_server) {
            (Some(file), false) => self.google_key(&format!("{key}.key_file"), file),
            (None, true) => Some(Source::metadata_server(config.fcm.metadata.clone())),
            (None, false) => {
                self.error(key, "expected key_file or metadata_server = true, found neither");
                None
            }
            (Some(_), true) => {
                self.error(key, "expected key_file or metadata_server = true, found both");
                None
            }
        };
        let certificate = match &file.certificate {
            Some(files) => {
                let at = format!("{key}.certificate");
                Some(self.certificate(&at, files, &config.fcm.trust, Http::Either)?)
            }
            None => None,
        };
        let pushes_per_minute = self.fcm_pace(key, file);
        let credential = Arc::new(credential?);
        Some(FcmConfig { provider: provider?, credential, certificate, pushes_per_minute })
    }

    fn google_key(&mut self, key: &str, file: &Path) -> Option<Source> {
        let parsed = Source::from_json(&self.secret(key, file)?);
        self.ok_in_file(key, file, parsed)
    }

    fn mattermost(
        &mut self,
        key: &str,
        file: file::AppMattermost,
        config: &Config,
    ) -> Option<MattermostConfig> {
        let origin = self.ok(&format!("{key}.url"), file.url.parse::<Origin>());
        let settings = MattermostSettings { server_id: file.server_id };
        let provider = self.ok(&format!("{key}.server_id"), Mattermost::try_new(settings));
        let provider = provider.map(|provider| provider.with_front_502(file.front_502.into()));
        let at = format!("{key}.ca_files");
        let trust = (!file.ca_files.is_empty()).then(|| self.trust(&at, &config.trust, &file.ca_files));
        self.expect_roots(key, trust.as_ref().unwrap_or(&config.trust));
        Some(MattermostConfig { provider: provider?, origin: origin?, http: file.http.into(), trust })
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
