//! One SendBatch call: the stream of requests that goes out, and the stream of answers that comes in.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::mpsc;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use crate::cli::gateway::{GatewayConnection, is_from_the_gateway, why};
use crate::proto::{ERROR_DOMAIN, SendBatchRequest, SendBatchResponse};

/// A request message, and the number of the first item that is not in it or in an earlier one.
pub(super) struct NumberedMessage {
    pub(super) request: SendBatchRequest,
    pub(super) end: u64,
}

/// Counts the items that the connection has taken. An item whose number is the count or more never left this process, so
/// it is safe to send it again.
#[derive(Clone, Default)]
pub(super) struct TakenItems(Arc<AtomicU64>);

impl TakenItems {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// The stream of requests. It counts an item as taken when the connection pulls its message.
struct Outgoing {
    messages: mpsc::Receiver<NumberedMessage>,
    taken: TakenItems,
}

impl tokio_stream::Stream for Outgoing {
    type Item = SendBatchRequest;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.messages.poll_recv(cx).map(|message| {
            let NumberedMessage { request, end } = message?;
            self.taken.0.store(end, Ordering::Release);
            Some(request)
        })
    }
}

/// The answers of a call: first the call itself is waited for, then its messages.
pub(super) enum Incoming {
    Calling(BoxFuture<'static, Result<Streaming<SendBatchResponse>, Status>>),
    Open(Box<Streaming<SendBatchResponse>>),
}

/// How a call ended.
pub(super) enum CallEnd {
    /// The call ended with status OK.
    Ok,
    /// The gateway refused the call before it read any item.
    Refused(Status),
    /// The call failed at a time when items may have been read.
    Failed(Status),
}

/// What the end of a stream means for the worker that opened it.
pub(super) enum StreamEnd {
    /// The gateway ended the stream as the contract says. Items that are left need another stream.
    Done,
    /// The gateway ended the stream for this reason, or brought nothing for too long, and the worker connects again.
    Lost(String),
    /// The connection broke, and the worker connects again.
    Broke(String),
    /// Another attempt would end for the same reason, so the worker gives up.
    Refused(String),
    /// The gateway does not know the caller, or knows it no longer. Another attempt would end for the same reason unless
    /// something else is shown.
    CallerUnknown(String),
}

impl StreamEnd {
    /// What the status means that a stream ended with.
    pub(super) fn of(status: &Status) -> Self {
        let why = why(status);
        match is_fatal(status) {
            true if status.code() == Code::Unauthenticated => Self::CallerUnknown(why),
            true => Self::Refused(why),
            false if is_from_the_gateway(status) => Self::Lost(why),
            false => Self::Broke(why),
        }
    }

    /// The reason, in one sentence.
    pub(super) fn why(&self) -> &str {
        match self {
            Self::Done => "the stream ended",
            Self::Lost(why) | Self::Broke(why) | Self::Refused(why) | Self::CallerUnknown(why) => why,
        }
    }
}

impl Incoming {
    pub(super) fn call(
        connection: &GatewayConnection,
        messages: mpsc::Receiver<NumberedMessage>,
        taken: TakenItems,
    ) -> Self {
        let mut client = connection.client();
        let request = connection.request(Outgoing { messages, taken });
        let call = async move { Ok(client.send_batch(request).await?.into_inner()) };
        Self::Calling(call.boxed())
    }

    /// Whether the gateway has taken the call. Nothing is written before, because a connection that the gateway never
    /// accepted looks open too, and pushes written on it would be in doubt.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// Waits for the next message. Returns `None` once, when the gateway has just taken the call, and how the call ended as
    /// the error. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Option<SendBatchResponse>, CallEnd> {
        match self {
            Self::Calling(call) => match call.await {
                Ok(stream) => {
                    *self = Self::Open(Box::new(stream));
                    Ok(None)
                }
                Err(status) if is_refusal(&status) => Err(CallEnd::Refused(status)),
                Err(status) => Err(CallEnd::Failed(status)),
            },
            Self::Open(stream) => match stream.message().await {
                Ok(Some(message)) => Ok(Some(message)),
                Ok(None) => Err(CallEnd::Ok),
                Err(status) => Err(CallEnd::Failed(status)),
            },
        }
    }
}

/// Waits for a place for the next message. Returns `None` if the call takes no more messages.
pub(super) async fn reserve(
    sender: Option<&mpsc::Sender<NumberedMessage>>,
) -> Option<mpsc::Permit<'_, NumberedMessage>> {
    sender?.reserve().await.ok()
}

/// Whether the gateway surely read no item of a call that failed at once: the status carries the details that only the
/// gateway adds, or its code is one with which a call never reaches it. A proxy on the way may have given any other status.
fn is_refusal(status: &Status) -> bool {
    is_own(status) || is_fatal(status)
}

/// Whether the gateway made the status, and not a proxy on the way to it.
pub(super) fn is_own(status: &Status) -> bool {
    status.get_details_error_info().is_some_and(|info| info.domain == ERROR_DOMAIN)
}

/// Whether another attempt that shows the same would end with the same status.
fn is_fatal(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument | Code::Unimplemented | Code::Unauthenticated | Code::PermissionDenied
    ) && is_from_the_gateway(status)
}
