//! The JSON ingress: the contract as JSON, for callers without gRPC.

mod settings;

use bytes::Bytes;
use http::StatusCode;

pub use settings::JsonSettings;

use super::http::{Answer, Call, Refused, Terms, answer};
use crate::caller::Rpc;

/// This ingress on one listener.
pub(crate) struct Json {}

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Pushes in a call, whose verdicts come in the order written.
    Pushes,
    /// A stream of pushes, whose verdicts come as they are there.
    Batch,
}

impl Asked {
    /// What is asked for at this path, if it is one of this ingress.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path {
            "/v1/pushes" => Some(Self::Pushes),
            "/v1/batch" => Some(Self::Batch),
            _ => None,
        }
    }

    /// On which terms.
    pub(crate) fn terms(self) -> Terms {
        match self {
            Self::Pushes => Terms { methods: "POST", rpc: Some(Rpc::SendPushes), max_bytes: usize::MAX },
            Self::Batch => Terms { methods: "POST", rpc: Some(Rpc::SendBatch), max_bytes: usize::MAX },
        }
    }
}

impl Json {
    pub(crate) fn new(_settings: &JsonSettings) -> Self {
        Self {}
    }

    /// Answers a call whose whole body is there. What is wrong with it is an answer as well.
    pub(crate) async fn serve(&self, _call: Call<'_>, _asked: Asked, _body: Bytes) -> Answer {
        answer(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "not there yet\n")
    }

    /// Answers a batch, whose body it reads by itself as it comes.
    pub(crate) async fn batch<B>(&self, _call: Call<'_>, _body: B) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    {
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
