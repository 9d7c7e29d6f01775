//! What the file says of the ingress `[http.json]`.

use super::Reader;
use crate::config::{Config, file};
use crate::ingress::json::JsonSettings;

impl Reader<'_> {
    /// Reads `[http.json]`, which stands at `table`. `config` holds everything but the HTTP listeners.
    pub(super) fn json_ingress(
        &mut self,
        _table: &str,
        _file: &file::JsonIngress,
        _config: &Config,
    ) -> JsonSettings {
        JsonSettings::default()
    }
}
