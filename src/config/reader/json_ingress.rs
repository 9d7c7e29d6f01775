//! What the file says of the ingress `[http.json]`.

use super::Reader;
use crate::config::{Config, file};
use crate::ingress::json::JsonSettings;

impl Reader<'_> {
    /// Reads `[http.json]`, which stands at `table`. `config` holds everything but the HTTP listeners.
    pub(super) fn json_ingress(
        &mut self,
        table: &str,
        file: &file::JsonIngress,
        config: &Config,
    ) -> JsonSettings {
        let mut settings = JsonSettings::default();
        let key = format!("{table}.max_push_bytes");
        self.positive(&key, &mut settings.max_push_bytes, file.max_push_bytes);
        // A caller holds at most half of the budget, and a line is held while it arrives, while it is read and in flight.
        let (found, most) = (settings.max_push_bytes, config.max_held_bytes / 6);
        if found > most {
            let held = config.max_held_bytes;
            let problem = format!(
                "expected at most {most}, which is a sixth of limits.max_held_bytes ({held}), found {found}"
            );
            self.error(&key, problem);
        }
        settings
    }
}
