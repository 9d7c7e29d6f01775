//! What the proxy asks of APNs and FCM for a push.
//!
//! The real proxy expands emoji short codes in messages; here they stay as they are.

use serde_json::{Map, Value, json};

use super::json::go_json;
use super::notification::Notification;

/// A request that the proxy would make of APNs or FCM. It is recorded and not sent.
#[derive(Clone, Debug, PartialEq)]
pub struct ProxiedRequest {
    /// The path.
    pub path: String,
    /// The headers that are about the push.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Value,
}

impl ProxiedRequest {
    /// Returns the bytes of the body as the proxy writes it.
    pub(super) fn len(&self) -> usize {
        go_json(&self.body).len()
    }

    pub(super) fn is_voip(&self) -> bool {
        self.headers.contains(&("apns-push-type", "voip".to_owned()))
    }
}

/// The fields that are passed on wherever they are not empty.
const COMMON: [&str; 8] = [
    "channel_id",
    "team_id",
    "sender_id",
    "sender_name",
    "post_id",
    "root_id",
    "override_username",
    "override_icon_url",
];

pub(super) fn of_apns(push: &Notification, app_version: u32, topic: &str) -> ProxiedRequest {
    let voip = push.text("transport") == "voip";
    let (topic, push_type, body) = if voip {
        (format!("{topic}.voip"), "voip", voip_payload(push))
    } else {
        (topic.to_owned(), "alert", payload(push, app_version))
    };
    ProxiedRequest {
        path: format!("/3/device/{}", push.text("device_id")),
        headers: vec![
            ("apns-topic", topic),
            ("apns-priority", "10".to_owned()),
            ("apns-push-type", push_type.to_owned()),
            ("content-type", "application/json; charset=utf-8".to_owned()),
        ],
        body,
    }
}

fn payload(push: &Notification, app_version: u32) -> Value {
    let kind = push.text("type");
    let id_loaded = push.flag("is_id_loaded");
    let shown = id_loaded || matches!(kind, "message" | "session");
    let mut aps = Map::new();
    let mut own = Map::new();
    let badge = push.number("badge");
    if kind == "clear" && badge == 0 && app_version > 1 {
        aps.insert("badge".to_owned(), 1.into());
    } else if badge != -1 {
        aps.insert("badge".to_owned(), badge.into());
    }
    if shown {
        aps.insert("alert".to_owned(), alert(push, id_loaded));
        if !push.text("category").is_empty() {
            aps.insert("category".to_owned(), push.text("category").into());
        }
        aps.insert("sound".to_owned(), "default".into());
        aps.insert("mutable-content".to_owned(), 1.into());
        own.insert("version".to_owned(), push.text("version").into());
        if id_loaded {
            own.insert("id_loaded".to_owned(), true.into());
        } else if !push.text("channel_name").is_empty() {
            own.insert("channel_name".to_owned(), push.text("channel_name").into());
        }
    }
    if id_loaded || matches!(kind, "message" | "clear" | "test") {
        aps.insert("content-available".to_owned(), 1.into());
    }
    let thread = match push.text("root_id") {
        root if push.flag("is_crt_enabled") && !root.is_empty() => root,
        _ => push.text("channel_id"),
    };
    if !thread.is_empty() {
        aps.insert("thread-id".to_owned(), thread.into());
    }
    for name in ["type", "sub_type", "server_id"] {
        own.insert(name.to_owned(), push.text(name).into());
    }
    for name in
        COMMON.into_iter().chain(["from_webhook", "ack_id"]).filter(|name| !push.text(name).is_empty())
    {
        own.insert(name.to_owned(), push.text(name).into());
    }
    own.insert("is_crt_enabled".to_owned(), push.flag("is_crt_enabled").into());
    own.insert("signature".to_owned(), signature(push).into());
    own.insert("aps".to_owned(), aps.into());
    own.into()
}

fn alert(push: &Notification, id_loaded: bool) -> Value {
    let message = push.text("message");
    if id_loaded {
        return json!({ "body": message });
    }
    let title = push.text("channel_name");
    if !title.is_empty() && push.text("version") == "v2" {
        return json!({ "title": title, "body": message });
    }
    message.into()
}

fn voip_payload(push: &Notification) -> Value {
    let mut own = Map::new();
    for name in ["type", "sub_type", "channel_id", "server_id", "post_id", "sender_id"] {
        own.insert(name.to_owned(), push.text(name).into());
    }
    for name in ["sender_name", "channel_name", "ack_id"].iter().filter(|name| !push.text(name).is_empty()) {
        own.insert((*name).to_owned(), push.text(name).into());
    }
    own.insert("thread_id".to_owned(), push.text("root_id").into());
    own.insert("id_loaded".to_owned(), push.flag("is_id_loaded").into());
    own.insert("signature".to_owned(), signature(push).into());
    own.insert("aps".to_owned(), json!({ "content-available": 1 }));
    own.into()
}

fn signature(push: &Notification) -> &str {
    match push.text("signature") {
        "" => "NO_SIGNATURE",
        signature => signature,
    }
}

pub(super) fn of_fcm(push: &Notification) -> ProxiedRequest {
    let mut data = Map::new();
    let mut put = |name: &str, value: &str| data.insert(name.to_owned(), value.into());
    for name in ["ack_id", "type", "sub_type", "version", "channel_id", "server_id", "category"] {
        put(name, push.text(name));
    }
    put("is_crt_enabled", if push.flag("is_crt_enabled") { "true" } else { "false" });
    put("signature", signature(push));
    if push.number("badge") != -1 {
        put("badge", &push.number("badge").to_string());
    }
    if !push.text("root_id").is_empty() {
        put("root_id", push.text("root_id"));
    }
    if push.flag("is_id_loaded") {
        for name in ["post_id", "message", "sender_id", "team_id"] {
            put(name, push.text(name));
        }
        put("id_loaded", "true");
        put("sender_name", "Someone");
    } else if matches!(push.text("type"), "message" | "session") {
        let shown = ["team_id", "sender_id", "sender_name", "message", "channel_name", "post_id"];
        for name in shown.into_iter().chain(["override_username", "override_icon_url", "from_webhook"]) {
            put(name, push.text(name));
        }
    }
    let message = json!({ "token": push.text("device_id"), "android": { "priority": "high" }, "data": data });
    ProxiedRequest {
        path: "messages:send".to_owned(),
        headers: Vec::new(),
        body: json!({ "message": message }),
    }
}
