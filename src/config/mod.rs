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
mod lines;
mod reader;
mod trust;

use std::path::Path;

pub use apps::{ApnsConfig, ApnsCredential, AppConfig, FcmConfig, MattermostConfig, WebPushConfig};
pub use certificates::ShownCertificate;
pub use checked::{Config, FcmUpstream, WebPushUpstreams};
pub(crate) use document::settings_written;
pub use error::{ConfigError, ConfigErrors};
pub use trust::{ClientCertificate, Trust};

use crate::files::FileContent;
use document::Said;
use lines::Lines;

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
        let one = |problem: String| {
            ConfigErrors(vec![ConfigError { file: path.to_owned(), line: None, key: String::new(), problem }])
        };
        let text = FileContent::read(path)
            .and_then(FileContent::into_text)
            .map_err(|error| one(error.to_string()))?;
        let lines = Lines::of(&text);
        let said = Said::by(&text, &lines);
        let system = Trust::of_system().map_err(|error| one(error.to_string()))?;
        reader::read(path, &lines, said, &system)
    }
}
