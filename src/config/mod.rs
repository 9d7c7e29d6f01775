//! The configuration. It is read in two steps, from what the file may say (`file.rs`) to what the modules need (`reader`),
//! and everything that is wrong is said at once.
//!
//! Keys, certificates and roots are parsed here and nowhere else: a [`Config`] holds values that can be used, so nothing
//! that an operator wrote can fail later.

mod apps;
mod certificates;
mod checked;
mod defaults;
mod document;
mod error;
mod file;
mod laid_over;
mod overrides;
mod places;
mod plain_words;
mod reader;
mod renamed;
mod trust;

use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;

pub use apps::{ApnsConfig, ApnsCredential, AppConfig, FcmConfig, MattermostConfig, WebPushConfig};
pub use certificates::ShownCertificate;
pub use checked::{Config, FcmUpstream, ReloadSettings, WebPushUpstreams};
pub(crate) use document::settings_written;
pub use error::{ConfigError, ConfigErrors, Place};
pub use overrides::Overrides;
pub use trust::{ClientCertificate, Trust};

use crate::files::{FileContent, FilesRead};
use crate::telemetry::EnvironmentError;
use document::Said;
use places::Places;

impl Config {
    /// Makes a configuration of defaults, with both listeners on free ports of loopback, for demos and tests. Every
    /// upstream is verified by `trust`.
    #[must_use]
    pub fn on_loopback(apps: Vec<AppConfig>, trust: Trust) -> Self {
        let mut config = defaults::config(apps, trust);
        config.grpc.listener.listen.set_port(0);
        config.admin.listener.listen.set_port(0);
        config
    }

    /// Reads a configuration and every file that it names.
    ///
    /// # Errors
    /// Fails with everything that is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        Self::read(path, &Overrides::default(), &mut FilesRead::default())
    }

    /// The same with what environment variables say over it. Every file that it reads or looks for is added to `files`, also
    /// where it fails.
    ///
    /// # Errors
    /// Fails as [`load`](Self::load) does.
    pub(crate) fn read(
        path: &Path,
        overrides: &Overrides,
        files: &mut FilesRead,
    ) -> Result<Self, ConfigErrors> {
        let text = files
            .read(path.to_owned())
            .and_then(FileContent::into_text)
            .map_err(|error| ConfigErrors::of_file(path, error.to_string()))?;
        Self::of_text(path, &text, overrides, files)
    }

    /// The same for a text that belongs into the file at `path`, which need not be there.
    ///
    /// # Errors
    /// Fails as [`load`](Self::load) does.
    pub(crate) fn of_text(
        path: &Path,
        text: &str,
        overrides: &Overrides,
        files: &mut FilesRead,
    ) -> Result<Self, ConfigErrors> {
        let keys = DeTable::parse(text).ok();
        let written = overrides.written(text.len(), keys.as_ref().map(Spanned::get_ref));
        let places = Places::of(path, text, &written);
        let said = Said::by(&places);
        let system = Trust::of_system().map_err(|error| ConfigErrors::of_file(path, error.to_string()))?;
        let unreadable = written.unreadable.iter().map(|(name, problem)| {
            let place = Place::Variable(name.clone());
            ConfigError { place, key: String::new(), problem: (*problem).to_owned() }
        });
        let read = reader::read(path, &places, said, &system, files);
        let wrong: Vec<_> = unreadable.collect();
        match read {
            Ok(config) if wrong.is_empty() => Ok(config),
            Ok(_) => Err(ConfigErrors(wrong)),
            Err(ConfigErrors(errors)) => Err(ConfigErrors(wrong.into_iter().chain(errors).collect())),
        }
    }

    /// Adds what the standard variables of OpenTelemetry say where the configuration says nothing.
    ///
    /// # Errors
    /// Fails if one of them says nothing that can be used.
    pub(crate) fn with_standard_variables(
        mut self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigErrors> {
        match self.traces.complete(variable) {
            Ok(()) => Ok(self),
            Err(EnvironmentError { variable, expected }) => {
                let problem = format!("expected {expected}, found something else");
                let place = Place::Variable(variable.to_owned());
                Err(ConfigErrors(vec![ConfigError { place, key: String::new(), problem }]))
            }
        }
    }
}
