//! The response body of a batch stream. It only empties the buffer that the stream's task fills, and gives the
//! seats of delivered results back.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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

/// How a stream ends: its last message, which always has the progress, and its status, where it is not OK.
/// Beside the buffer, which may be full when a caller that does not read is told to go.
pub(super) struct Last {
    pub(super) response: SendBatchResponse,
    pub(super) status: Option<Status>,
}

/// Set once, before the buffer closes.
pub(super) type End = Arc<Mutex<Option<Last>>>;

/// The response body.
pub struct Results {
    buffer: mpsc::Receiver<Delivery>,
    window: Arc<Window>,
    end: End,
    after_last: Option<Status>,
}

impl Results {
    pub(super) fn new(buffer: mpsc::Receiver<Delivery>, window: Arc<Window>, end: End) -> Self {
        Self { buffer, window, end, after_last: None }
    }
}

impl Stream for Results {
    type Item = Result<SendBatchResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(Delivery { response, seats }) = ready!(self.buffer.poll_recv(cx)) {
            self.window.delivered(seats);
            return Poll::Ready(Some(Ok(response)));
        }
        let last = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(last) = last {
            self.after_last = last.status;
            return Poll::Ready(Some(Ok(last.response)));
        }
        Poll::Ready(self.after_last.take().map(Err))
    }
}
