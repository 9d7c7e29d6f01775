//! What the TOML may say of the ingress `[http.matrix]`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct MatrixIngress {
    pub(in crate::config) unknown_app: Option<UnknownApp>,
    #[serde(with = "humantime_serde")]
    pub(in crate::config) max_wait: Option<Duration>,
    pub(in crate::config) apps: BTreeMap<String, MatrixApp>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum UnknownApp {
    Retry,
    Reject,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct MatrixApp {
    pub(in crate::config) app: String,
    pub(in crate::config) provider: Option<MatrixProvider>,
    #[serde(default, with = "humantime_serde")]
    pub(in crate::config) ttl: Option<Duration>,
    pub(in crate::config) push_type: Option<String>,
    pub(in crate::config) convert_device_token_to_hex: Option<bool>,
    pub(in crate::config) send_badge_counts: Option<bool>,
    pub(in crate::config) fcm_options: Option<Map<String, Value>>,
    pub(in crate::config) allowed_endpoints: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum MatrixProvider {
    Apns,
    Fcm,
    WebPush,
}
