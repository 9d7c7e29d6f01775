//! One request that arrived, and what became of it.

use std::borrow::Cow;

use bytes::Bytes;
use http::Method;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::digest::digest_of_parts;
use crate::body::{Body, Decrypted, MAX_READ};
use crate::decision::PASSED_ON;
use crate::service::Service;

/// A request that arrived, whether or not it was read in full.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place among all requests, from 1.
    pub order: u64,
    /// The number of its connection, counted from 1 over all listeners.
    pub connection: u64,
    /// The HTTP/2 stream id, or over HTTP/1.1 the place on the connection, from 1.
    pub stream: u32,
    /// The service that was asked.
    pub service: Service,
    /// When its headers arrived, in milliseconds since the epoch by the clock of the simulator.
    pub arrived_ms: u64,
    /// The method of the request.
    pub method: Method,
    /// The path and query as they were sent.
    pub path: Box<str>,
    /// The `apns-id`, or the `apns-request-id` of a broadcast, if it was a UUID.
    pub apns_id: Option<Uuid>,
    /// All headers in order, without pseudo-headers. Only the newest entries keep them.
    pub headers: Option<Vec<(Box<str>, Bytes)>>,
    /// What was read. It is `None` until END_STREAM was read.
    pub read: Option<Reading>,
    /// What became of the request.
    pub outcome: RequestOutcome,
    /// The code with which the client reset the stream, before or after the answer.
    pub cancelled: Option<u32>,
    /// The code with which the simulator reset the stream after the headers of the answer.
    pub broken_off: Option<u32>,
}

/// What was read of a request that came to its END_STREAM.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The length of the body in bytes.
    pub body_len: u64,
    /// The SHA-256 of the body.
    pub body_sha256: [u8; 32],
    /// One number for the whole request, see [`digest`](super::digest()).
    pub digest: [u8; 32],
    /// The body. Only the newest entries keep it.
    pub body: Option<Bytes>,
    /// What an encrypted body holds. Only the newest entries keep a plaintext; the reason why a body does not decrypt
    /// is always kept.
    pub decrypted: Option<Decrypted>,
    /// The device that the body names, where the path does not name it.
    pub token: Option<Box<str>>,
}

impl Reading {
    /// Makes the record of a request whose body was read.
    pub(crate) fn new(parts: &http::request::Parts, body: &Body, token: Option<String>) -> Self {
        let headers: Vec<_> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
        // Encrypting the same content twice gives different bodies, so the digest is of the plaintext.
        let sha256 = match &body.decrypted {
            Some(Decrypted::Plaintext(plaintext)) => Sha256::digest(plaintext).into(),
            Some(Decrypted::Undecipherable(_)) | None => body.sha256,
        };
        let digest = digest_of_parts(parts.method.as_str(), path, &headers, &sha256);
        Self {
            body_len: body.len,
            body_sha256: body.sha256,
            digest,
            body: Some(body.bytes.clone()),
            decrypted: body.decrypted.clone(),
            token: token.map(Into::into),
        }
    }
}

impl Reading {
    /// Copies the useful part of the body, since the bytes that were read may keep a whole buffer alive.
    pub(super) fn own_body(&mut self) {
        let own = |bytes: &Bytes| Bytes::copy_from_slice(bytes.get(..MAX_READ).unwrap_or(bytes));
        self.body = self.body.as_ref().map(own);
        if let Some(Decrypted::Plaintext(plaintext)) = &mut self.decrypted {
            *plaintext = own(plaintext);
        }
    }

    /// Forgets what is long. The reason why a body does not decrypt is short, and stays.
    pub(super) fn forget_body(&mut self) {
        self.body = None;
        self.decrypted.take_if(|decrypted| matches!(decrypted, Decrypted::Plaintext(_)));
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// No answer went out yet. A request that was read in full may count as delivered.
    Unanswered,
    /// The headers of an answer went out on the wire.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The reason in the body, or why a good answer delivers nothing.
        reason: Option<Cow<'static, str>>,
        /// When they went out, in milliseconds since the epoch by the clock of the simulator.
        at_ms: u64,
    },
    /// RST_STREAM with REFUSED_STREAM went out before an answer, so the request was not processed. Source: RFC 9113,
    /// 8.7.
    Refused,
    /// A GOAWAY with a lower last stream id went out before an answer, so the request was not processed. Source: RFC
    /// 9113, 6.8.
    Excluded,
    /// RST_STREAM with this other code went out before an answer.
    Reset(u32),
}

impl Entry {
    /// Returns the device token or subscription in the path, or else the registration token or device id in the body.
    pub fn device_token(&self) -> Option<&str> {
        device_token(self.service, &self.path).or_else(|| self.read.as_ref()?.token.as_deref())
    }

    /// Returns the value of a header, if the entry keeps its headers and has this one.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let headers = self.headers.as_ref()?;
        headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }

    /// Whether a device was given the push or may have been: it was answered with 200 or 201 and no reason, or it was
    /// read in full and left without any answer. A Mattermost proxy gives its reasons with 200, and one of them says
    /// that it does not know. The page of a front may hide a good answer.
    pub fn may_be_delivered(&self) -> bool {
        match &self.outcome {
            RequestOutcome::Answered { status, reason, .. } => {
                let reason = reason.as_deref();
                reason == Some(PASSED_ON)
                    || matches!(status, 200 | 201)
                        && reason.is_none_or(|reason| reason == "unknown transport error")
            }
            RequestOutcome::Unanswered | RequestOutcome::Reset(_) => self.read.is_some(),
            RequestOutcome::Refused | RequestOutcome::Excluded => false,
        }
    }
}

/// Returns the device token of `/3/device/<token>`, or for Web Push the path, since each subscription has its own.
pub(crate) fn device_token(service: Service, path: &str) -> Option<&str> {
    match service {
        Service::Apns(_) => path.strip_prefix("/3/device/").filter(|token| !token.is_empty()),
        Service::WebPush => Some(path),
        Service::Fcm | Service::GoogleMetadata | Service::Mattermost => None,
    }
}
