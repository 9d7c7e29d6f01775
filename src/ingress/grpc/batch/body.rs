//! The response body of a batch stream. It only empties the buffer that the stream's task fills, and gives the
//! seats of delivered results back.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::Status;

use crate::dispatch::Window;
use crate::proto::SendBatchResponse;

/// A message on its way to the caller, and how many seats it gives back.
pub(super) struct Delivery {
    pub(super) response: SendBatchResponse,
    pub(super) seats: usize,
}

/// The status that a stream ends with, where it is not OK. Beside the buffer, which may be full when a caller
/// that does not read is told to go.
pub(super) type End = Arc<OnceLock<Status>>;

/// The response body.
pub struct Results {
    pub(super) buffer: mpsc::Receiver<Delivery>,
    pub(super) window: Arc<Window>,
    pub(super) end: End,
    pub(super) ended: bool,
}

impl Stream for Results {
    type Item = Result<SendBatchResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(Delivery { response, seats }) = ready!(self.buffer.poll_recv(cx)) {
            self.window.delivered(seats);
            return Poll::Ready(Some(Ok(response)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        self.ended = true;
        Poll::Ready(self.end.get().cloned().map(Err))
    }
}
