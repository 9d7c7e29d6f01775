//! Writes an entry of the journal as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;

use crate::journal::{Decrypted, Entry, Reading, RequestOutcome};
use crate::service::Service;

#[derive(Serialize)]
pub(super) struct EntryJson {
    number: u64,
    connection: u64,
    stream: u32,
    service: Service,
    arrived_ms: u64,
    method: String,
    path: String,
    token: Option<String>,
    apns_id: Option<String>,
    /// Headers are pairs, since one may come twice. They are null once newer requests have taken their place.
    headers: Option<Vec<(String, String)>>,
    read: Option<ReadJson>,
    outcome: &'static str,
    status: Option<u16>,
    reason: Option<String>,
    answered_ms: Option<u64>,
    reset_code: Option<u32>,
    cancelled_code: Option<u32>,
    may_be_delivered: bool,
}

#[derive(Serialize)]
struct ReadJson {
    body_bytes: u64,
    body_sha256: String,
    body: Option<TextJson>,
    plaintext: Option<TextJson>,
    undecipherable: Option<&'static str>,
}

/// Writes bytes as text where they are UTF-8, or else as base64.
#[derive(Serialize)]
#[serde(untagged)]
enum TextJson {
    Text { text: String },
    Base64 { base64: String },
}

impl From<&Bytes> for TextJson {
    fn from(bytes: &Bytes) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text { text: text.to_owned() },
            Err(_) => Self::Base64 { base64: STANDARD.encode(bytes) },
        }
    }
}

impl From<&Entry> for EntryJson {
    fn from(entry: &Entry) -> Self {
        let pair = |(name, value): &(Box<str>, Bytes)| {
            (name.to_string(), String::from_utf8_lossy(value).into_owned())
        };
        let (outcome, status, reason, answered_ms, reset_code) = match &entry.outcome {
            RequestOutcome::Unanswered => ("unanswered", None, None, None, None),
            RequestOutcome::Answered { status, reason, at_ms } => {
                let reason = reason.as_deref().map(str::to_owned);
                ("answered", Some(*status), reason, Some(*at_ms), entry.broken_off)
            }
            RequestOutcome::Refused => ("refused", None, None, None, None),
            RequestOutcome::Excluded => ("excluded", None, None, None, None),
            RequestOutcome::Reset(code) => ("reset", None, None, None, Some(*code)),
        };
        Self {
            number: entry.order,
            connection: entry.connection,
            stream: entry.stream,
            service: entry.service,
            arrived_ms: entry.arrived_ms,
            method: entry.method.to_string(),
            path: entry.path.to_string(),
            token: entry.device_token().map(str::to_owned),
            apns_id: entry.apns_id.map(|id| id.to_string()),
            headers: entry.headers.as_ref().map(|headers| headers.iter().map(pair).collect()),
            read: entry.read.as_ref().map(ReadJson::from),
            outcome,
            status,
            reason,
            answered_ms,
            reset_code,
            cancelled_code: entry.cancelled,
            may_be_delivered: entry.may_be_delivered(),
        }
    }
}

impl From<&Reading> for ReadJson {
    fn from(reading: &Reading) -> Self {
        let (plaintext, undecipherable) = match &reading.decrypted {
            Some(Decrypted::Plaintext(plaintext)) => (Some(plaintext.into()), None),
            Some(Decrypted::Undecipherable(why)) => (None, Some(*why)),
            None => (None, None),
        };
        Self {
            body_bytes: reading.body_len,
            body_sha256: reading.body_sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            body: reading.body.as_ref().map(TextJson::from),
            plaintext,
            undecipherable,
        }
    }
}
