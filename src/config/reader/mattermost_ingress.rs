//! What the file says of the ingress `[http.mattermost]`.

use super::Reader;
use crate::config::{Config, file};
use crate::ingress::mattermost::MattermostSettings;

impl Reader<'_> {
    /// Reads `[http.mattermost]`, which stands at `table`. `config` holds everything but the HTTP listeners.
    pub(super) fn mattermost_ingress(
        &mut self,
        _table: &str,
        _file: &file::MattermostIngress,
        _config: &Config,
    ) -> MattermostSettings {
        MattermostSettings::default()
    }
}
