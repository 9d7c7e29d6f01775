//! Firebase Cloud Messaging, HTTP v1: what is particular to it, its settings and its limits.

mod answers;
mod apple;
mod error;
mod fields;
mod parts;
mod raw;
mod request;
mod response;
mod target;
#[cfg(test)]
mod tests;

pub use request::Payload;
pub use response::ReplyContext;
pub use target::Target;

use std::time::SystemTime;

use http::uri::PathAndQuery;

use super::{Message, Outgoing, Provider, Reply, Verdict};
use crate::push::{Body, InvalidValue, ProviderKind, Refusal};

/// The most bytes of keys and values in `data` and `notification` of a message.
///
/// Source: Firebase, "FCM Error Codes", INVALID_ARGUMENT.
pub const MAX_PAYLOAD_BYTES: usize = 4096;

/// The same where the message goes to a topic, or to several by a condition.
///
/// Source: Firebase, "FCM Error Codes", INVALID_ARGUMENT.
pub const MAX_TOPIC_PAYLOAD_BYTES: usize = 2048;

/// The longest time to live, in seconds: four weeks.
///
/// Source: Firebase, "REST Resource: projects.messages", `AndroidConfig.ttl`.
pub const MAX_TTL_SECONDS: u64 = 2_419_200;

/// The longest analytics label, in characters.
///
/// Source: Firebase, "Understanding message delivery", analytics labels.
pub const MAX_ANALYTICS_LABEL_CHARS: usize = 50;

/// The longest project id that is taken, in bytes. The number is the gateway's own.
pub const MAX_PROJECT_ID_BYTES: usize = 128;

/// What an operator says about one app on FCM.
#[derive(Debug, Clone)]
pub struct FcmSettings {
    /// The project whose devices are sent to, by id or number. The project of the sender's key may be another.
    pub project_id: String,
}

/// How one app speaks to FCM.
#[derive(Debug, Clone)]
pub struct Fcm {
    path: PathAndQuery,
}

impl Fcm {
    /// # Errors
    /// Where the project id is empty, too long, or cannot stand in a path.
    pub fn try_new(settings: &FcmSettings) -> Result<Self, InvalidValue> {
        let id = settings.project_id.as_str();
        let expected = || {
            format!(
                "a project id of 1 to {MAX_PROJECT_ID_BYTES} lower-case letters, digits, hyphens, colons and full stops"
            )
        };
        if id.is_empty() {
            return Err(InvalidValue::required(expected()));
        }
        if id.len() > MAX_PROJECT_ID_BYTES {
            return Err(InvalidValue::too_large(expected(), format!("{} bytes", id.len())));
        }
        // A project of a domain has the form `example.com:name`.
        // Source: Google Cloud, "Resource Manager", domain-scoped projects.
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-:.".contains(c);
        if let Some(c) = id.chars().find(|c| !allowed(*c)) {
            return Err(InvalidValue::invalid(expected(), format!("{c:?}")));
        }
        let path = format!("/v1/projects/{id}/messages:send");
        let path = path.parse().map_err(|_| InvalidValue::invalid(expected(), "something else"))?;
        Ok(Self { path })
    }
}

impl Provider for Fcm {
    const KIND: ProviderKind = ProviderKind::new("fcm", 2);
    const SUSPECTS: &'static str = "the app's project and key_file";
    const ANSWERS_DRY_RUNS: bool = true;

    type Target = Target;
    type Payload = Payload;
    type Sealed = ();
    type Context = ReplyContext;

    fn encode(&self, body: &Body) -> Result<Payload, Refusal> {
        request::encode(body)
    }

    fn address(&self, push: &Outgoing<'_, Self>, now: SystemTime) -> Result<Message<ReplyContext>, Refusal> {
        request::address(self, push, now)
    }

    fn classify(&self, context: ReplyContext, reply: &Reply, now: SystemTime) -> Verdict {
        response::classify(reply, context, now)
    }
}
