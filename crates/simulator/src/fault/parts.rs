//! The values that faults are made of.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::json_forms;

/// An answer that a fault gives instead of the true one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename = "Answer", default, deny_unknown_fields)]
pub struct ScriptedAnswer {
    /// The HTTP status; 0 stands for 200.
    pub status: u16,
    /// The reason in a body of the service's own form. It is ignored if `body` is set.
    pub reason: Option<String>,
    /// The bytes of the body, whatever they are.
    #[serde(with = "json_forms::text")]
    pub body: Option<Bytes>,
    /// Into how many DATA frames the body is cut; 0 and 1 stand for one.
    pub pieces: usize,
    /// Whether something in front of the service answers: none of the service's own headers are sent.
    pub foreign: bool,
    /// Headers beside those that the service sends.
    pub headers: Vec<(String, String)>,
    /// Trailers after the body.
    pub trailers: Vec<(String, String)>,
}

impl ScriptedAnswer {
    /// Makes a refusal with this status and reason, in the service's own form.
    pub fn refusal(status: u16, reason: &str) -> Self {
        Self { status, reason: Some(reason.to_owned()), ..Self::default() }
    }
}

/// A point of an exchange at which a fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The headers of the request have come, and its body is not read.
    BeforeBody,
    /// A first piece of the body has come, and the rest is not read.
    DuringBody,
    /// The request was read in full, and no answer goes out.
    #[default]
    AfterBody,
    /// The headers of the answer went out, and its body does not.
    AfterAnswerHeaders,
}

/// How the simulator ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HangUp {
    /// What is queued is written, then TLS `close_notify` and FIN are sent.
    Fin,
    /// The TCP connection is reset.
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
    /// The reason in the debug data, which APNs sends as `{"reason":"…"}` and the other services as plain text.
    /// Source: Apple, "Sending notification requests to APNs".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What follows the frame.
    #[serde(default)]
    pub then: AfterGoAway,
}

/// The last stream id of a GOAWAY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastId {
    /// The stream whose request set the fault off, or [`LastId::Highest`] if none did.
    This,
    /// The stream before it, so the request itself is excluded.
    BeforeThis,
    /// The highest id that arrived, so nothing in flight is excluded.
    #[default]
    Highest,
    /// This id.
    Exact(u32),
}

/// What follows a GOAWAY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Then", rename_all = "snake_case")]
pub enum AfterGoAway {
    /// The streams up to the last id are served, then the simulator closes the connection.
    #[default]
    Drain,
    /// The streams up to the last id are served, and closing is left to the client.
    Serve,
    /// The connection ends as soon as the GOAWAY is written.
    HangUp(HangUp),
}

/// A refusal by its meaning, which every service says in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// There were too many pushes.
    Quota,
    /// The key of the sender was revoked.
    RevokedKey,
    /// The service is overloaded.
    Unavailable,
    /// The service failed.
    Internal,
}

/// The answer of a reverse proxy in front of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Front {
    /// The HTTP status, which is 502, 503 or 504.
    pub status: u16,
    /// Whether the service took the request and its answer was lost. If not, the service never saw the request.
    pub passed_on: bool,
}
