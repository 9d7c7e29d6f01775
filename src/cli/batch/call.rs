//! The two directions of one SendBatch call.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use crate::cli::content::describe;
use crate::proto::{
    ERROR_DOMAIN, SendBatchRequest, SendBatchResponse, push_service_client::PushServiceClient,
};

/// A message, and the number of the first item behind it.
pub(super) struct Message {
    pub(super) request: SendBatchRequest,
    pub(super) end: u64,
}

/// Items that were given to the connection; one with this number or a greater one never left this process.
#[derive(Clone, Default)]
pub(super) struct Taken(Arc<AtomicU64>);

impl Taken {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// The request stream.
struct Outgoing {
    messages: mpsc::Receiver<Message>,
    taken: Taken,
}

impl tokio_stream::Stream for Outgoing {
    type Item = SendBatchRequest;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.messages.poll_recv(cx).map(|message| {
            let Message { request, end } = message?;
            self.taken.0.store(end, Ordering::Release);
            Some(request)
        })
    }
}

/// The answers of a call, from its beginning.
pub(super) enum Incoming {
    Calling(BoxFuture<'static, Result<Streaming<SendBatchResponse>, Status>>),
    Open(Box<Streaming<SendBatchResponse>>),
}

/// How a call ended.
pub(super) enum End {
    /// With OK.
    Ok,
    /// The call was refused before anything was read.
    Refused(Status),
    /// Later than that.
    Failed(Status),
}

/// How a stream ended.
pub(super) enum Ended {
    /// As the contract says; what is left to do needs another stream.
    Done,
    /// Why it broke.
    Lost(String),
    /// Why another attempt would end the same.
    Refused(String),
}

impl Incoming {
    pub(super) fn call(channel: Channel, messages: mpsc::Receiver<Message>, taken: Taken) -> Self {
        let mut client = PushServiceClient::new(channel);
        let call = async move {
            let answer = client.send_batch(Outgoing { messages, taken }).await;
            Ok(answer?.into_inner())
        };
        Self::Calling(call.boxed())
    }

    /// Whether the gateway has taken the call. A connection that it never accepted looks open until then, and what
    /// was written on it would be in doubt.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// The next message, none where the call has just been taken, or how it ended. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Option<SendBatchResponse>, End> {
        match self {
            Self::Calling(call) => match call.await {
                Ok(stream) => {
                    *self = Self::Open(Box::new(stream));
                    Ok(None)
                }
                Err(status) if is_refusal(&status) => Err(End::Refused(status)),
                Err(status) => Err(End::Failed(status)),
            },
            Self::Open(stream) => match stream.message().await {
                Ok(Some(message)) => Ok(Some(message)),
                Ok(None) => Err(End::Ok),
                Err(status) => Err(End::Failed(status)),
            },
        }
    }
}

/// Whether the gateway itself said that it does not take the call: by the details that only it adds, or by a
/// code of those who never get to it. Anything else may come from between here and there.
fn is_refusal(status: &Status) -> bool {
    is_own(status) || is_fatal(status)
}

/// Whether the gateway made the status, and nobody on the way to it.
pub(super) fn is_own(status: &Status) -> bool {
    status.get_details_error_info().is_some_and(|info| info.domain == ERROR_DOMAIN)
}

/// Whether another attempt would end the same.
pub(super) fn is_fatal(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument | Code::Unimplemented | Code::Unauthenticated | Code::PermissionDenied
    ) && is_from_the_gateway(status)
}

/// A status of the connection's has the connection's error as its source.
pub(super) fn is_from_the_gateway(status: &Status) -> bool {
    std::error::Error::source(status).is_none()
}

/// Why a call ended, in one sentence.
pub(super) fn why(status: &Status) -> String {
    if is_from_the_gateway(status) {
        return describe(status);
    }
    let mut cause: &dyn std::error::Error = status;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("the connection to the gateway broke: {cause}")
}
