//! The status: as JSON, as events, and as the page that shows them.

mod apps;
mod events;
mod page;
mod schema;
mod top;

use serde_json::Value;

use crate::harness::{World, http_get};

/// The status, which is as its schema says.
pub(crate) async fn status(world: &World) -> Value {
    let answer = http_get(world.gateway.admin_address(), "/status").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-type: application/json"), "{head}");
    let status = serde_json::from_str(body).unwrap();
    schema::check(&status);
    status
}

/// An app on a provider.
fn app<'a>(status: &'a Value, name: &str, provider: &str) -> &'a Value {
    let mut apps = status["apps"].as_array().unwrap().iter();
    apps.find(|app| app["app"] == name && app["provider"] == provider).unwrap()
}
