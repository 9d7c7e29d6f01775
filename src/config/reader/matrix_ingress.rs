//! What the file says of the ingress `[http.matrix]`.

use std::time::Duration;

use super::Reader;
use crate::config::file::{MatrixApp as Said, MatrixIngress, MatrixProvider};
use crate::config::{AppConfig, Config, file};
use crate::ingress::matrix::{
    ApnsDialect, Dialect, FcmDialect, Glob, MatrixApp, MatrixSettings, UnknownApp, WebPushDialect,
};
use crate::provider::apns::known_push_types;

/// The most apps of one listener, and the most patterns among them, each of which is held against every other.
const MAX_APPS: usize = 1000;
const MAX_PATTERNS: usize = 100;

/// The time to live of pushes to browsers, as sygnal has it.
const WEB_PUSH_TTL: Duration = Duration::from_secs(15 * 60);

/// What a message of FCM cannot have from an operator: its target and its data are those of the event.
const NO_FCM_OPTIONS: [&str; 5] = ["token", "fid", "topic", "condition", "data"];

impl Reader<'_> {
    /// Reads the push gateway of Matrix. `config` holds the apps.
    pub(super) fn matrix_ingress(
        &mut self,
        table: &str,
        file: &MatrixIngress,
        config: &Config,
    ) -> MatrixSettings {
        let mut settings = MatrixSettings::default();
        match file.unknown_app {
            Some(file::UnknownApp::Retry) => settings.unknown_app = UnknownApp::Retry,
            Some(file::UnknownApp::Reject) => settings.unknown_app = UnknownApp::Reject,
            None => {}
        }
        let (at, longest) = (format!("{table}.max_wait"), MatrixSettings::LONGEST_WAIT);
        self.wait(&at, &mut settings.max_wait, file.max_wait);
        if settings.max_wait > longest {
            let found = settings.max_wait;
            let problem = format!(
                "expected at most {longest:?}, found {found:?}: homeservers stop waiting after 60s, and send again"
            );
            self.error(&at, problem);
        }
        let at = format!("{table}.apps");
        let patterns = file.apps.keys().filter(|name| Glob::parse(name).is_some()).count();
        if file.apps.is_empty() {
            let problem =
                "no push is sent: apps names no app_id, such as [http.matrix.apps.\"com.example.app\"]";
            self.warn(table, problem.to_owned());
        }
        if file.apps.len() > MAX_APPS || patterns > MAX_PATTERNS {
            let found = file.apps.len();
            let problem = format!(
                "expected at most {MAX_APPS} apps and {MAX_PATTERNS} patterns, found {found} and {patterns}"
            );
            self.error(&at, problem);
            return settings;
        }
        for (name, said) in &file.apps {
            let at = format!("{at}.{name}");
            let Some(app) = self.matrix_app(&at, said, config) else { continue };
            if let Err(overlap) = settings.apps.add(name, app) {
                self.error(&at, overlap.to_string());
            }
        }
        settings
    }

    fn matrix_app(&mut self, at: &str, said: &Said, config: &Config) -> Option<MatrixApp> {
        let Some(app) = config.apps.iter().find(|app| app.id.as_str() == said.app) else {
            // An app that could not be read was told already.
            if !self.is_wrong(&format!("apps.{}", said.app)) {
                let problem = format!("expected the name of one of [apps.NAME], found {:?}", said.app);
                self.error(&format!("{at}.app"), problem);
            }
            return None;
        };
        let provider = self.matrix_provider(at, said, app)?;
        self.expect_keys_of(at, said, provider);
        let badge_counts = said.send_badge_counts.unwrap_or(true);
        let dialect = match provider {
            MatrixProvider::Apns => Dialect::Apns(ApnsDialect {
                push_type: self.matrix_push_type(at, said),
                converts_to_hex: said.convert_device_token_to_hex.unwrap_or(true),
                badge_counts,
            }),
            MatrixProvider::Fcm => {
                let options = said.fcm_options.clone().unwrap_or_default();
                if let Some(found) = NO_FCM_OPTIONS.iter().find(|key| options.contains_key(**key)) {
                    let problem =
                        format!("expected options without {}, found {found}", NO_FCM_OPTIONS.join(", "));
                    self.error(&format!("{at}.fcm_options"), problem);
                }
                Dialect::Fcm(FcmDialect { options, badge_counts })
            }
            MatrixProvider::WebPush => {
                let allowed = said.allowed_endpoints.iter().flatten();
                let allowed_endpoints = allowed.map(|text| Glob::of(&text.to_ascii_lowercase())).collect();
                Dialect::WebPush(WebPushDialect { allowed_endpoints })
            }
        };
        let of_browsers = provider == MatrixProvider::WebPush && app.default_ttl.is_none();
        let ttl = said.ttl.or(of_browsers.then_some(WEB_PUSH_TTL));
        Some(MatrixApp { app: app.id.clone(), dialect, ttl })
    }

    /// The provider of an app: the one that it has, or the one that is named where it has several.
    fn matrix_provider(&mut self, at: &str, said: &Said, app: &AppConfig) -> Option<MatrixProvider> {
        let has = [
            (app.apns.is_some(), MatrixProvider::Apns),
            (app.fcm.is_some(), MatrixProvider::Fcm),
            (app.web_push.is_some(), MatrixProvider::WebPush),
        ];
        let has: Vec<_> = has.into_iter().filter_map(|(has, provider)| has.then_some(provider)).collect();
        if self.is_wrong(&format!("apps.{}", app.id)) {
            return None;
        }
        let problem = match (said.provider, &has[..]) {
            (None, [only]) => return Some(*only),
            (Some(named), has) if has.contains(&named) => return Some(named),
            (None, []) => {
                format!("expected an app with apns, fcm or web_push, and [apps.{}] has none", app.id)
            }
            (None, _) => {
                let problem = format!(
                    "expected provider = \"apns\", \"fcm\" or \"web_push\", since [apps.{}] has several; found none",
                    app.id
                );
                self.error(&format!("{at}.provider"), problem);
                return None;
            }
            (Some(_), _) => format!("expected a provider that [apps.{}] has", app.id),
        };
        self.error(&format!("{at}.app"), problem);
        None
    }

    /// Notes keys that say nothing to the provider of the app.
    fn expect_keys_of(&mut self, at: &str, said: &Said, provider: MatrixProvider) {
        use MatrixProvider::{Apns, Fcm, WebPush};
        let keys: [(&str, bool, &[MatrixProvider]); 6] = [
            ("push_type", said.push_type.is_some(), &[Apns]),
            ("convert_device_token_to_hex", said.convert_device_token_to_hex.is_some(), &[Apns]),
            ("send_badge_counts", said.send_badge_counts.is_some(), &[Apns, Fcm]),
            ("fcm_options", said.fcm_options.is_some(), &[Fcm]),
            ("allowed_endpoints", said.allowed_endpoints.is_some(), &[WebPush]),
            // FCM is told it by fcm_options.android.ttl.
            ("ttl", said.ttl.is_some(), &[Apns, WebPush]),
        ];
        for (key, is_there, providers) in keys {
            if is_there && !providers.contains(&provider) {
                let problem = format!("expected no such key beside an app on {}", provider.name());
                self.error(&format!("{at}.{key}"), problem);
            }
        }
    }

    fn matrix_push_type(&mut self, at: &str, said: &Said) -> String {
        let Some(found) = &said.push_type else { return String::new() };
        if !known_push_types().any(|name| name == found) {
            let names: Vec<_> = known_push_types().collect();
            let problem = format!("expected one of {}, found {found:?}", names.join(", "));
            self.error(&format!("{at}.push_type"), problem);
        }
        found.clone()
    }

    /// Whether something at or below a key is wrong.
    fn is_wrong(&self, key: &str) -> bool {
        let is_below = |found: &str| {
            found.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.errors.iter().any(|error| is_below(&error.key))
    }
}

impl MatrixProvider {
    fn name(self) -> &'static str {
        match self {
            Self::Apns => "apns",
            Self::Fcm => "fcm",
            Self::WebPush => "web_push",
        }
    }
}
