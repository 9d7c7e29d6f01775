//! The push gateway without HTTP and without a desk: requests of homeservers go in, drafts come out.

mod apns;
mod fcm;
mod recorded;
mod requests;
mod targets;
mod web_push;

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::apps::{ApnsDialect, Dialect, FcmDialect, MatrixApp, WebPushDialect};
use super::draft::{Common, draft};
use super::fate::Fate;
use super::request::Notification;
use crate::desk::{Draft, DraftBody};
use crate::push::{AppId, Body, Labels};

/// 32 bytes, as device tokens of APNs are, in base64.
const TOKEN: &str = "kA0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn apns() -> ApnsDialect {
    ApnsDialect { push_type: String::new(), converts_to_hex: true, badge_counts: true }
}

fn fcm() -> FcmDialect {
    FcmDialect { options: Map::new(), badge_counts: true }
}

fn web_push() -> WebPushDialect {
    WebPushDialect::default()
}

/// A request of one device; what is given stands beside its devices.
fn request(notification: &Value, pushkey: &str, data: &Value) -> Vec<u8> {
    let mut notification = notification.clone();
    notification["devices"] = json!([{"app_id": "com.example.app", "pushkey": pushkey, "data": data}]);
    serde_json::to_vec(&json!({"notification": notification})).unwrap()
}

/// The draft of the first device of a request.
fn drafted(request: &[u8], dialect: impl Into<Dialect>) -> Result<Draft, Fate> {
    let (notification, devices) = Notification::read(request).unwrap();
    let app = MatrixApp { app: AppId::parse("shop").unwrap(), dialect: dialect.into(), ttl: None };
    let common = Common { accepted_at: SystemTime::UNIX_EPOCH, max_wait: Duration::from_secs(20) };
    draft(&notification, &devices[0], &app, common, Ok(None))
}

/// The body of a draft, as a provider says it.
fn body(draft: Draft) -> Body {
    let DraftBody::Own(body) = draft.body else { panic!("a draft has a body of its own") };
    Body {
        app: AppId::parse(&body.app).unwrap(),
        content: body.content.unwrap(),
        options: body.options.unwrap().options,
        accepted_at: body.accepted_at,
        labels: Labels::new(),
    }
}

/// What a device is told by APNs.
fn payload(request: &[u8], dialect: ApnsDialect) -> Value {
    let body = body(drafted(request, dialect).unwrap());
    serde_json::from_str(&body.content.apns.unwrap().payload_json).unwrap()
}

impl From<ApnsDialect> for Dialect {
    fn from(dialect: ApnsDialect) -> Self {
        Self::Apns(dialect)
    }
}

impl From<FcmDialect> for Dialect {
    fn from(dialect: FcmDialect) -> Self {
        Self::Fcm(dialect)
    }
}

impl From<WebPushDialect> for Dialect {
    fn from(dialect: WebPushDialect) -> Self {
        Self::WebPush(dialect)
    }
}
