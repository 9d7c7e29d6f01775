//! What a push says, as all providers have it in common.

use serde_json::{Map, Value};

use crate::ingress::matrix::request::Device;
use crate::push::{Content, Priority};

/// What a push says, and how it is treated.
#[derive(Debug, PartialEq)]
pub(in crate::ingress::matrix) struct Said {
    pub(in crate::ingress::matrix) content: Content,
    pub(in crate::ingress::matrix) priority: Priority,
    /// Of several pushes with the same key only the newest matters. Where it is empty, the push collapses with none.
    pub(in crate::ingress::matrix) collapse_key: String,
}

/// What the app wants to find in each of its pushes. That it is an object is checked where the device's address is.
pub(super) fn default_payload(device: &Device) -> Map<String, Value> {
    device.data.get("default_payload").and_then(Value::as_object).cloned().unwrap_or_default()
}

pub(super) fn written(members: &Map<String, Value>) -> String {
    // Writing a JSON value to memory does not fail.
    serde_json::to_string(members).unwrap_or_default()
}
