//! What the TOML may say of the ingress `[http.json]`.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct JsonIngress {}
