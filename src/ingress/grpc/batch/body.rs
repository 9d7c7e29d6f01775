//! The response body of a batch stream. It only empties the buffer that the stream's task fills, and gives back the
//! seats of the results that it delivered.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::Status;

use super::super::encode;
use crate::desk::Window;
use crate::proto::SendBatchResponse;

/// A message on its way to the caller, and how many seats of the window its results hold.
pub(super) struct Packet {
    pub(super) response: SendBatchResponse,
    pub(super) seats: usize,
}

/// How a stream ends: its last message, which always has the progress, and its status, where that is not OK. It lies
/// beside the buffer, which may be full when a caller that does not read is told to go.
pub(super) struct Last {
    pub(super) response: SendBatchResponse,
    pub(super) status: Option<Status>,
}

/// The end of a stream, which is set once, before the buffer closes.
pub(super) type End = Arc<Mutex<Option<Last>>>;

/// The response body of a batch stream.
pub(crate) struct Results {
    buffer: mpsc::Receiver<Packet>,
    window: Arc<Window>,
    end: End,
    state: BodyState,
}

enum BodyState {
    Open,
    /// The last message is out, and this status follows it.
    Last(Option<Status>),
}

impl Results {
    pub(super) fn new(buffer: mpsc::Receiver<Packet>, window: Arc<Window>, end: End) -> Self {
        Self { buffer, window, end, state: BodyState::Open }
    }
}

impl Stream for Results {
    type Item = Result<SendBatchResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(Packet { response, seats }) = ready!(self.buffer.poll_recv(cx)) {
            self.window.delivered(seats);
            return Poll::Ready(Some(Ok(response)));
        }
        if let BodyState::Last(status) = &mut self.state {
            return Poll::Ready(status.take().map(Err));
        }
        let last = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(last) = last else {
            // The task broke, since it left no end. That is a bug, and must never look like a good end.
            self.state = BodyState::Last(None);
            return Poll::Ready(Some(Err(encode::batch_broke())));
        };
        self.state = BodyState::Last(last.status);
        Poll::Ready(Some(Ok(last.response)))
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    fn results() -> (mpsc::Sender<Packet>, End, Results) {
        let (sender, buffer) = mpsc::channel(1);
        let end = End::default();
        (sender, Arc::clone(&end), Results::new(buffer, Window::new(4, 4), end))
    }

    #[tokio::test]
    async fn the_last_message_comes_after_the_buffer_and_before_the_status() {
        let (sender, end, mut results) = results();
        sender.try_send(Packet { response: SendBatchResponse::default(), seats: 0 }).ok().unwrap();
        let status = Some(Status::aborted("told to go"));
        *end.lock().unwrap() = Some(Last { response: SendBatchResponse::default(), status });
        drop(sender);
        assert!(results.next().await.unwrap().is_ok());
        assert!(results.next().await.unwrap().is_ok());
        assert_eq!(results.next().await.unwrap().unwrap_err().code(), tonic::Code::Aborted);
        assert!(results.next().await.is_none());
    }

    #[tokio::test]
    async fn a_task_that_breaks_never_looks_like_a_good_end() {
        let (sender, _, mut results) = results();
        drop(sender);
        assert_eq!(results.next().await.unwrap().unwrap_err().code(), tonic::Code::Internal);
        assert!(results.next().await.is_none());
    }
}
