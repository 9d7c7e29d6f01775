//! What the TOML may say of the ingress `[http.mattermost]`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct MattermostIngress {
    pub(in crate::config) platforms: BTreeMap<String, String>,
    pub(in crate::config) forward: Option<String>,
    pub(in crate::config) max_forwards: Option<usize>,
}
