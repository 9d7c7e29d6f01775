//! What a fault is made of.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::words;

/// A scripted answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// The HTTP status; 0 stands for 200.
    pub status: u16,
    /// The `reason` of a JSON body. Ignored if `body` is set.
    pub reason: Option<String>,
    /// The body, whatever it is.
    #[serde(with = "words::text")]
    pub body: Option<Bytes>,
    /// Into how many DATA frames the body is cut; 0 and 1 stand for one.
    pub pieces: usize,
    /// It is that of something in front of the service: none of the service's own headers.
    pub foreign: bool,
    /// Headers beside the usual ones.
    pub headers: Vec<(String, String)>,
    /// Trailers after the body.
    pub trailers: Vec<(String, String)>,
}

impl Answer {
    /// A refusal with APNs' JSON body.
    pub fn refusal(status: u16, reason: &str) -> Self {
        Self { status, reason: Some(reason.to_owned()), ..Self::default() }
    }
}

/// A point of an exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The request's headers have come; the body is not read.
    BeforeBody,
    /// A first piece of the body has come; its end is not looked at.
    DuringBody,
    /// The request was read in full; no answer goes out.
    #[default]
    AfterBody,
    /// The answer's headers went out, its body did not.
    AfterAnswerHeaders,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HangUp {
    /// What is queued is written, then TLS `close_notify` and FIN.
    Fin,
    /// TCP RST.
    Reset,
}

/// A GOAWAY frame and what follows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoAway {
    /// The last stream that will be served.
    #[serde(default)]
    pub last: LastId,
    /// The error code. Source: RFC 9113, 7.
    #[serde(default)]
    pub code: u32,
    /// Sent as the debug data `{"reason":"…"}`, APNs' form. Source: Apple, "Sending notification
    /// requests to APNs".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What follows.
    #[serde(default)]
    pub then: Then,
}

/// The last stream id of a GOAWAY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastId {
    /// The stream of the request that set the fault off; [`LastId::Highest`] without one.
    This,
    /// The stream before it: the request itself is excluded.
    BeforeThis,
    /// The highest id that arrived: nothing in flight is excluded.
    #[default]
    Highest,
    /// This id.
    Exact(u32),
}

/// What follows a GOAWAY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The streams at or below the last id are served, then the connection closes.
    #[default]
    Drain,
    /// The streams at or below the last id are served, and closing is left to the client.
    Serve,
    /// The connection ends as soon as the GOAWAY is written.
    HangUp(HangUp),
}

/// A refusal by what it means: every service says it in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Too many pushes.
    Quota,
    /// The sender's key was revoked.
    RevokedKey,
    /// The service is overloaded.
    Unavailable,
    /// The service failed.
    Internal,
}

/// What a reverse proxy before the service answers in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Front {
    /// The HTTP status: 502, 503 or 504.
    pub status: u16,
    /// True: the service took the request, and its answer was lost. False: the service never saw the request.
    pub passed_on: bool,
}
