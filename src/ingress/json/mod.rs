//! The JSON ingress: the contract as ProtoJSON, for callers without gRPC.
//!
//! JSON becomes the bytes of a message (`schema.rs`), and from there on a push goes the way of gRPC's. What is wrong with a
//! push is its result; what is wrong with a call is a problem (`problem.rs`).

mod batch;
mod head;
mod item;
mod lines;
mod mistake;
mod openapi;
mod outline;
mod place;
mod problem;
mod pushes;
mod schema;
mod settings;
mod told;
mod wrong_member;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt;

pub use settings::JsonSettings;

use super::contract::CallFault;
use super::contract::batch::{Stream, start};
use super::http::{Answer, Body, Call, HttpSettings, Refused, Terms, answer};
use crate::caller::{OpenCall, Rpc};
use crate::desk::NoRoom;
use batch::Pushes;
use lines::Lines;
use problem::Problem;
use schema::Schema;
use told::Told;

/// This ingress on one listener.
pub(crate) struct Json {
    schema: Option<&'static Schema>,
    max_push_bytes: usize,
    /// How long a line may take to arrive whole.
    patience: Duration,
    /// How long a caller may take nothing of the end of a batch.
    answer_stall_timeout: Duration,
}

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Pushes in a call, whose verdicts come in the order written.
    Pushes,
    /// A stream of pushes, whose verdicts come as they are there.
    Batch,
    /// The description of this ingress.
    OpenApi,
}

impl Asked {
    /// What is asked for at this path, if it is one of this ingress.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path {
            "/v1/pushes" => Some(Self::Pushes),
            "/v1/batch" => Some(Self::Batch),
            "/v1/openapi.json" => Some(Self::OpenApi),
            _ => None,
        }
    }

    /// On which terms.
    pub(crate) fn terms(self) -> Terms {
        let post = |rpc| Terms { methods: "POST", rpc: Some(rpc), max_bytes: usize::MAX };
        match self {
            Self::Pushes => post(Rpc::SendPushes),
            Self::Batch => post(Rpc::SendBatch),
            Self::OpenApi => Terms { methods: "GET, HEAD", rpc: None, max_bytes: 0 },
        }
    }
}

impl Json {
    /// This ingress on the listener with these settings.
    pub(crate) fn new(json: &JsonSettings, listener: &HttpSettings) -> Self {
        Self {
            schema: Schema::get(),
            max_push_bytes: json.max_push_bytes,
            patience: listener.body_timeout,
            answer_stall_timeout: listener.listener.answer_stall_timeout,
        }
    }

    /// Answers a call whose whole body is there. What is wrong with it is an answer as well.
    pub(crate) async fn serve(&self, call: Call<'_>, _: Asked, body: Bytes) -> Answer {
        let sent = match (self.schema, head::JSON.check(&call.headers)) {
            (_, Err(problem)) => Err(problem),
            (None, _) => Err(Problem::bug()),
            (Some(schema), Ok(())) => pushes::send(schema, call, body, self.max_push_bytes).await,
        };
        match sent {
            Ok(json) => answer(StatusCode::OK, head::JSON.gives, json),
            Err(problem) => problem.answer(),
        }
    }

    /// Answers a batch, whose body it reads by itself as it comes. It counts as `counted` until its end, and holds so many
    /// bytes that HTTP has of its body, or may have.
    pub(crate) async fn batch<B>(
        &self,
        call: Call<'_>,
        counted: Option<OpenCall>,
        unread: usize,
        body: B,
    ) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    {
        self.start(&call, counted, unread, body).await.unwrap_or_else(|problem| problem.answer())
    }

    async fn start<B>(
        &self,
        call: &Call<'_>,
        of_address: Option<OpenCall>,
        unread: usize,
        body: B,
    ) -> Result<Answer, Problem>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    {
        head::LINES.check(&call.headers)?;
        let schema = self.schema.ok_or_else(Problem::bug)?;
        let caller = call.caller.clone();
        let of_caller = caller.open_stream().map_err(|denied| {
            caller.note(denied, "");
            CallFault::Denied(denied)
        })?;
        let mut batch = call.desk.open(caller.clone(), call.arrival(None)).map_err(CallFault::NoRoom)?;
        batch.drains_at(call.leaving.told_to_go().clone());
        let over = call.leaving.over().clone();
        let mut held = call.share.nothing();
        if held.add(unread).is_err() {
            call.desk.turned_away(NoRoom::OverBudget);
            return Err(CallFault::NoRoom(NoRoom::OverBudget).into());
        }
        let mut lines = Lines::new(body, self.max_push_bytes, self.patience, call.share.nothing());
        if call.headers.contains_key(header::EXPECT) {
            lines.ask().await?;
        }
        let source = Pushes::new(schema, lines, call.share.clone(), call.span.clone());
        let counted = (of_address, of_caller, held);
        let stream = Stream { caller, batch, over, counted, patience: self.answer_stall_timeout };
        let (results, watched) = start(call.batches, call.desk, source, stream);
        let mut answer = Response::new(Body::Streamed(Told::new(schema, results).boxed_unsync()));
        answer.extensions_mut().insert(watched);
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(head::LINES.gives));
        // nginx would gather the lines. Source: nginx.org, ngx_http_proxy_module, `proxy_buffering`.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        Ok(answer)
    }

    /// Answers a call that anybody may make, whose body is not read.
    pub(crate) fn tell(&self, _: Asked) -> Answer {
        answer(StatusCode::OK, head::JSON.gives, openapi::DOCUMENT)
    }

    /// Says in the form of this ingress why a call did not reach it. `asked` is none where it is not known what was asked for.
    pub(crate) fn refused(&self, _: Option<Asked>, refused: &Refused) -> Answer {
        refused.answer(problem::MEDIA_TYPE, Problem::from(refused).json())
    }
}
