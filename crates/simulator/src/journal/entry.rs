//! One request that arrived, and what became of it.

use std::borrow::Cow;

use bytes::Bytes;
use http::Method;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::digest::digest_of_parts;
use crate::body::{Body, MAX_READ, Opened};
use crate::decision::PASSED_ON;
use crate::service::Service;

/// A request that arrived, read in full or not.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place among all requests, from 1.
    pub order: u64,
    /// The connection's number, from 1, over all listeners.
    pub connection: u64,
    /// The HTTP/2 stream id; over HTTP/1.1 its place on the connection, from 1.
    pub stream: u32,
    /// The listener.
    pub service: Service,
    /// When its headers arrived, by the simulator's clock, milliseconds since the epoch.
    pub arrived_ms: u64,
    /// The method.
    pub method: Method,
    /// The path as sent.
    pub path: Box<str>,
    /// `apns-id`, or `apns-request-id` of a broadcast, if it was a UUID.
    pub apns_id: Option<Uuid>,
    /// All headers in order, without pseudo-headers; kept for the newest entries only.
    pub headers: Option<Vec<(Box<str>, Bytes)>>,
    /// What was read; `None` unless END_STREAM was read.
    pub read: Option<Reading>,
    /// What became of it.
    pub outcome: Outcome,
    /// The client reset the stream with this code, before or after the answer.
    pub cancelled: Option<u32>,
    /// The simulator reset the stream with this code after the answer's headers.
    pub broken_off: Option<u32>,
}

/// A request that was read to its END_STREAM.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Bytes of the body.
    pub body_len: u64,
    /// SHA-256 of the body.
    pub body_sha256: [u8; 32],
    /// See [`digest`](super::digest()).
    pub digest: [u8; 32],
    /// The body; kept for the newest entries only.
    pub body: Option<Bytes>,
    /// What the body holds, where it was encrypted: kept for the newest entries only, but for why it does not
    /// decrypt.
    pub opened: Option<Opened>,
    /// The device that the body names, where the path does not.
    pub token: Option<Box<str>>,
}

impl Reading {
    /// Of a request whose body was read; `body` is what was kept of it.
    pub(crate) fn new(parts: &http::request::Parts, body: &Body, token: Option<String>) -> Self {
        let headers: Vec<_> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
        // No two encryptions of the same are alike: what was meant is the plaintext.
        let sha256 = match &body.opened {
            Some(Opened::Plaintext(plaintext)) => Sha256::digest(plaintext).into(),
            Some(Opened::Undecipherable(_)) | None => body.sha256,
        };
        let digest = digest_of_parts(parts.method.as_str(), path, &headers, &sha256);
        Self {
            body_len: body.len,
            body_sha256: body.sha256,
            digest,
            body: Some(body.bytes.clone()),
            opened: body.opened.clone(),
            token: token.map(Into::into),
        }
    }
}

impl Reading {
    /// Keeps the body in memory of its own, as far as it is of use: as it was read it may hold a whole buffer.
    pub(super) fn own_body(&mut self) {
        let own = |bytes: &Bytes| Bytes::copy_from_slice(bytes.get(..MAX_READ).unwrap_or(bytes));
        self.body = self.body.as_ref().map(own);
        if let Some(Opened::Plaintext(plaintext)) = &mut self.opened {
            *plaintext = own(plaintext);
        }
    }

    /// Forgets what is long. Why a body does not decrypt is short.
    pub(super) fn forget_body(&mut self) {
        self.body = None;
        self.opened.take_if(|opened| matches!(opened, Opened::Plaintext(_)));
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No answer went out (yet). If it was read in full, it may count as delivered.
    Unanswered,
    /// The answer's headers went out on the wire.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The reason in the body, or why a good answer delivers nothing.
        reason: Option<Cow<'static, str>>,
        /// When, by the simulator's clock, milliseconds since the epoch.
        at_ms: u64,
    },
    /// RST_STREAM with REFUSED_STREAM went out before an answer: not processed.
    /// Source: RFC 9113, 8.7.
    Refused,
    /// Above the last stream id of a GOAWAY, and unanswered before it: not processed.
    /// Source: RFC 9113, 6.8.
    Excluded,
    /// RST_STREAM with this other code went out before an answer.
    Reset(u32),
}

impl Entry {
    /// The device token in the path, or the path of a subscription; else the registration token or device id in the
    /// body.
    pub fn device_token(&self) -> Option<&str> {
        device_token(self.service, &self.path).or_else(|| self.read.as_ref()?.token.as_deref())
    }

    /// The value of a header, if headers were kept and it is there.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let headers = self.headers.as_ref()?;
        headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }

    /// True if a device was or may have been given the push: answered with 200 or 201 and no reason, or
    /// read in full and left without any answer. A Mattermost proxy gives its reasons with 200; one
    /// of them says that it does not know. A front's page may hide a good answer.
    pub fn may_be_delivered(&self) -> bool {
        match &self.outcome {
            Outcome::Answered { status, reason, .. } => {
                let reason = reason.as_deref();
                reason == Some(PASSED_ON)
                    || matches!(status, 200 | 201)
                        && reason.is_none_or(|reason| reason == "unknown transport error")
            }
            Outcome::Unanswered | Outcome::Reset(_) => self.read.is_some(),
            Outcome::Refused | Outcome::Excluded => false,
        }
    }
}

/// The device token of `/3/device/<token>`; of Web Push, where each subscription has its own path, that.
pub(crate) fn device_token(service: Service, path: &str) -> Option<&str> {
    match service {
        Service::Apns(_) => path.strip_prefix("/3/device/").filter(|token| !token.is_empty()),
        Service::WebPush => Some(path),
        Service::Fcm | Service::GoogleMetadata | Service::Mattermost => None,
    }
}
