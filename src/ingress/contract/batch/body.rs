//! The response body of a batch stream. It only empties the buffer that the stream's task fills, and gives back the
//! seats of the results that it delivered.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc;
use tokio_stream::Stream;

use crate::desk::Window;
use crate::ingress::contract::CallFault;
use crate::proto::SendBatchResponse;

/// A message on its way to the caller, and how many seats of the window its results hold.
pub(super) struct Packet {
    pub(super) response: SendBatchResponse,
    pub(super) seats: usize,
}

/// How a stream ends: its last message, which always has the progress, and why it ended early, where it did. It lies
/// beside the buffer, which may be full when a caller that does not read is told to go.
pub(super) struct Last<F> {
    pub(super) response: SendBatchResponse,
    pub(super) fault: Option<F>,
}

/// The end of a stream, which is set once, before the buffer closes.
pub(super) type End<F> = Arc<Mutex<Option<Last<F>>>>;

/// The response body of a batch stream.
pub(crate) struct Results<F> {
    buffer: mpsc::Receiver<Packet>,
    window: Arc<Window>,
    end: End<F>,
    state: BodyState<F>,
}

enum BodyState<F> {
    Open,
    /// The last message is out, and this fault follows it.
    Last(Option<F>),
}

impl<F> Results<F> {
    pub(super) fn new(buffer: mpsc::Receiver<Packet>, window: Arc<Window>, end: End<F>) -> Self {
        Self { buffer, window, end, state: BodyState::Open }
    }

    /// Why the stream ended early, where it did: for those who say so in the last message. It is none before that was given.
    pub(in crate::ingress) fn end(&mut self) -> Option<Option<F>> {
        match &mut self.state {
            BodyState::Open => None,
            BodyState::Last(fault) => Some(fault.take()),
        }
    }
}

impl<F: From<CallFault> + Unpin> Stream for Results<F> {
    type Item = Result<SendBatchResponse, F>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(Packet { response, seats }) = ready!(self.buffer.poll_recv(cx)) {
            self.window.delivered(seats);
            return Poll::Ready(Some(Ok(response)));
        }
        if let BodyState::Last(fault) = &mut self.state {
            return Poll::Ready(fault.take().map(Err));
        }
        let last = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(last) = last else {
            // The task broke, since it left no end. That is a bug, and must never look like a good end.
            self.state = BodyState::Last(None);
            return Poll::Ready(Some(Err(CallFault::BatchBroke.into())));
        };
        self.state = BodyState::Last(last.fault);
        Poll::Ready(Some(Ok(last.response)))
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    fn results() -> (mpsc::Sender<Packet>, End<CallFault>, Results<CallFault>) {
        let (sender, buffer) = mpsc::channel(1);
        let end = End::default();
        (sender, Arc::clone(&end), Results::new(buffer, Window::new(4, 4), end))
    }

    #[tokio::test]
    async fn the_last_message_comes_after_the_buffer_and_before_the_fault() {
        let (sender, end, mut results) = results();
        sender.try_send(Packet { response: SendBatchResponse::default(), seats: 0 }).ok().unwrap();
        let fault = Some(CallFault::ConnectionOver);
        *end.lock().unwrap() = Some(Last { response: SendBatchResponse::default(), fault });
        drop(sender);
        assert!(results.next().await.unwrap().is_ok());
        assert!(results.next().await.unwrap().is_ok());
        assert!(matches!(results.next().await, Some(Err(CallFault::ConnectionOver))));
        assert!(results.next().await.is_none());
    }

    #[tokio::test]
    async fn a_task_that_breaks_never_looks_like_a_good_end() {
        let (sender, _, mut results) = results();
        drop(sender);
        assert!(matches!(results.next().await, Some(Err(CallFault::BatchBroke))));
        assert!(results.next().await.is_none());
    }
}
