//! Turns what the file says into what the modules need, and collects what is wrong on the way.

mod apns;
mod apps;
mod callers;
mod feeds;
mod http;
mod issuers;
mod json_ingress;
mod listeners;
mod matrix_ingress;
mod mattermost_ingress;
mod named;
mod paces;
mod proxy;
mod settings;
mod together;
mod traces;
mod web_push;

use std::path::Path;
use std::time::Duration;

use fanfare_upstream::{InvalidOrigin, Origin};

use super::certificates::ShownCertificate;
use super::document::{Mistake, Said};
use super::error::{ConfigError, ConfigErrors, Place};
use super::places::Places;
use super::{Config, Trust, defaults, file};
use crate::files::FilesRead;

/// Reads what a file says, and adds its mistakes to what is wrong. `system` trusts the operating system's root certificates.
pub(super) fn read(
    path: &Path,
    places: &Places<'_>,
    mut said: Said,
    system: &Trust,
    files: &mut FilesRead,
) -> Result<Config, ConfigErrors> {
    let at = |Mistake { place, key, problem }| {
        let place = place.unwrap_or_else(|| Place::File(path.to_owned(), None));
        ConfigError { place, key, problem }
    };
    let mut errors: Vec<_> = std::mem::take(&mut said.mistakes).into_iter().map(at).collect();
    if said.broken_off {
        return Err(ConfigErrors(errors));
    }
    let (warnings, certificates, unfit) = (Vec::new(), Vec::new(), Vec::new());
    let mut reader = Reader { path, places, files, errors: Vec::new(), warnings, certificates, unfit };
    let mut config = reader.config(std::mem::take(&mut said.file), system);
    config.warnings = reader.warnings;
    config.certificates = reader.certificates;
    config.unfit = reader.unfit;
    config.written = std::mem::take(&mut said.written);
    errors.extend(reader.errors.into_iter().filter(|error| !said.explains(&error.key)));
    if errors.is_empty() {
        return Ok(config);
    }
    // What cannot work is told in the same run. Alone it does not keep a gateway from starting.
    errors.append(&mut config.unfit);
    errors.sort_by_key(|error| match error.place {
        Place::File(_, line) => (0, line),
        Place::Variable(_) => (1, None),
    });
    Err(ConfigErrors(errors))
}

/// The most callers. Each call that shows a static key compares it with those of all callers.
const MAX_CALLERS: usize = 1000;

/// Collects what is wrong, so that all of it is said at once. Where a value is wrong, a method notes the error and goes on
/// with the default, or returns none.
struct Reader<'a> {
    path: &'a Path,
    places: &'a Places<'a>,
    files: &'a mut FilesRead,
    errors: Vec<ConfigError>,
    warnings: Vec<ConfigError>,
    certificates: Vec<ShownCertificate>,
    unfit: Vec<ConfigError>,
}

impl Reader<'_> {
    fn config(&mut self, file: file::File, system: &Trust) -> Config {
        let trust = self.trust("upstream.ca_files", system, &file.upstream.ca_files);
        let mut config = defaults::config(Vec::new(), trust);
        self.settings(&mut config, &file);
        let (grpc_for_all, admin_for_all) = (file.grpc.plaintext_anywhere, file.admin.plaintext_anywhere);
        config.proxy = file.proxy.and_then(|proxy| self.proxy("proxy", &proxy));
        for (name, issuer) in &file.issuers {
            let read = self.issuer(name, issuer, &config, &config.issuers);
            config.issuers.extend(read);
        }
        if file.apps.is_empty() {
            self.error("apps", "expected at least one app, such as [apps.shop.apns], found none");
        }
        let apps = file.apps.into_iter().filter_map(|(name, app)| self.app(&name, app, &config)).collect();
        config.apps = apps;
        self.expect_one_key_for_its_ids(&config.apps);
        self.expect_one_pace_for_each_project(&config);
        if file.callers.len() > MAX_CALLERS {
            let found = file.callers.len();
            self.error("callers", format!("expected at most {MAX_CALLERS} callers, found {found}"));
        }
        let stands_in = |name: &str| file.http.iter().any(|table| table.caller.as_deref() == Some(name));
        let callers = file.callers.into_iter();
        let callers = callers.filter_map(|(name, it)| self.caller(&name, it, &config, stands_in(&name)));
        config.callers = callers.collect();
        self.expect_callers_apart(&config.callers);
        self.expect_callers_off_loopback(&config, grpc_for_all, admin_for_all);
        config.feeds = self.feeds(&file.feed, &config);
        config.http = self.http(&file.http, &config);
        self.together(&config);
        config
    }

    fn origin(&mut self, key: &str, setting: &mut Origin, text: Option<&str>) {
        let parsed: Result<Origin, InvalidOrigin> = match text {
            Some(text) => text.parse(),
            None => return,
        };
        if let Some(origin) = self.ok(key, parsed) {
            *setting = origin;
        }
    }

    /// Reads a wait, which is longer than nothing, and not so long that no clock could hold its end.
    fn wait(&mut self, key: &str, setting: &mut Duration, value: Option<Duration>) {
        const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
        match value {
            Some(found) if found > LONGEST => {
                self.error(key, format!("expected at most a year, found {found:?}"));
            }
            value => self.positive(key, setting, value),
        }
    }

    fn positive<T: Default + PartialEq>(&mut self, key: &str, setting: &mut T, value: Option<T>) {
        let Some(value) = value else { return };
        if value == T::default() {
            self.error(key, "expected more than 0, found 0");
        } else {
            *setting = value;
        }
    }

    /// Notes the error of a value that could not be parsed.
    fn ok<T, E: ToString>(&mut self, key: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.error(key, error.to_string())).ok()
    }

    fn error(&mut self, key: &str, problem: impl Into<String>) {
        let error = self.at(key, problem.into());
        self.errors.push(error);
    }

    /// Notes what is unwise but not wrong.
    fn warn(&mut self, key: &str, problem: String) {
        let warning = self.at(key, problem);
        self.warnings.push(warning);
    }

    /// Notes what a gateway starts with all the same, since its other apps work, and what cannot work.
    fn unfit(&mut self, key: &str, problem: String) {
        let unfit = self.at(key, problem);
        self.unfit.push(unfit);
    }

    fn at(&self, key: &str, problem: String) -> ConfigError {
        ConfigError { place: self.places.place(key), key: key.to_owned(), problem }
    }
}
