//! What a gateway starts with all the same, and whoever runs it should know.

use std::mem;

use crate::config::{Config, ConfigError};

/// What a gateway starts with all the same.
pub(super) struct Doubts {
    /// What cannot work, such as a topic that the certificate does not list.
    pub(super) unfit: Vec<ConfigError>,
    /// What is unwise but not wrong.
    pub(super) unwise: Vec<ConfigError>,
}

impl Doubts {
    /// Takes them out of a configuration.
    pub(super) fn of(config: &mut Config) -> Self {
        let (unfit, mut unwise) = (mem::take(&mut config.unfit), mem::take(&mut config.warnings));
        // What is wrong with a certificate is not told a second time as unwise.
        let is_told =
            |key: &str| unfit.iter().any(|it| key.strip_suffix(".certificate_file") == Some(&it.key));
        unwise.retain(|doubt| !is_told(&doubt.key));
        Self { unfit, unwise }
    }

    /// Tells them to the log.
    pub(super) fn log(&self) {
        for warning in &self.unfit {
            tracing::warn!(key = warning.key, %warning, "the configuration says what cannot work");
        }
        for warning in &self.unwise {
            tracing::warn!(key = warning.key, %warning, "the configuration is unwise");
        }
    }
}
