//! The ingress of Matrix homeservers, to which the gateway is a push gateway.

mod settings;

use bytes::Bytes;
use http::StatusCode;

pub use settings::MatrixSettings;

use super::http::{Answer, Call, Refused, Terms, answer};
use crate::caller::Rpc;

/// The largest body. No server sends more than a few kilobytes.
const MAX_BYTES: usize = 1024 * 1024;
/// This ingress on one listener.
pub(crate) struct Matrix {}

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A notification.
    Notify,
}

impl Asked {
    /// What is asked for at this path, if it is one of this ingress.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path {
            "/_matrix/push/v1/notify" => Some(Self::Notify),
            _ => None,
        }
    }

    /// On which terms.
    pub(crate) fn terms(self) -> Terms {
        Terms { methods: "POST", rpc: Some(Rpc::SendPush), max_bytes: MAX_BYTES }
    }
}

impl Matrix {
    pub(crate) fn new(_settings: &MatrixSettings) -> Self {
        Self {}
    }

    /// Answers a call whose whole body is there. What is wrong with it is an answer as well.
    pub(crate) async fn serve(&self, _call: Call<'_>, _asked: Asked, _body: Bytes) -> Answer {
        answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "not there yet\n")
    }

    /// Answers a call that anybody may make, whose body is not read.
    pub(crate) fn tell(&self, _asked: Asked) -> Answer {
        answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "not there yet\n")
    }

    /// Says in the form of this ingress why a call did not reach it. `asked` is none where it is not known what was asked for.
    pub(crate) fn refused(&self, _asked: Option<Asked>, refused: &Refused) -> Answer {
        refused.plain()
    }
}
