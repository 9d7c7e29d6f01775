//! Requests on their way from their callers to h2.
//!
//! Only the connection's task gives requests to h2. Where each caller did it, all of them would wait for h2's lock
//! while it encodes.

use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};

use crate::cause::EndCause;

/// A stream that h2 opened for a request.
pub(super) struct OpenStream {
    pub(super) response: ResponseFuture,
    pub(super) upload: SendStream<Bytes>,
}

/// A request that its caller handed over. The caller has one clone, and the outbox the other. Until the connection's
/// task gives the request to h2, it provably was not sent.
#[derive(Clone)]
pub(super) struct QueuedRequest(Arc<Mutex<QueuedState>>);

#[expect(clippy::large_enum_variant, reason = "every request begins in the largest state")]
enum QueuedState {
    /// h2 does not have it yet.
    Waits(http::Request<()>, Bytes, Option<Waker>),
    /// h2 has it.
    Sent(OpenStream),
    /// h2 will not get it on this connection.
    Refused(EndCause),
    /// The caller has taken the stream, the refusal, or the request itself.
    Gone,
}

impl QueuedRequest {
    pub(super) fn new(head: http::Request<()>, body: Bytes) -> Self {
        Self(Arc::new(Mutex::new(QueuedState::Waits(head, body, None))))
    }

    /// Waits for the stream, or for the reason why h2 did not take the request. It may be polled to its end once.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<OpenStream, EndCause>> {
        let mut state = self.lock();
        if let QueuedState::Waits(_, _, waker) = &mut *state {
            *waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        match mem::replace(&mut *state, QueuedState::Gone) {
            QueuedState::Sent(stream) => Poll::Ready(Ok(stream)),
            QueuedState::Refused(why) => Poll::Ready(Err(why)),
            QueuedState::Waits(..) | QueuedState::Gone => {
                debug_assert!(false, "polled after its end");
                Poll::Pending
            }
        }
    }

    /// Takes the request back. Where h2 has it already, its stream is returned; else h2 never gets it.
    pub(super) fn withdraw(&self) -> Option<OpenStream> {
        let taken = mem::replace(&mut *self.lock(), QueuedState::Gone);
        match taken {
            QueuedState::Sent(stream) => Some(stream),
            QueuedState::Waits(..) | QueuedState::Refused(_) | QueuedState::Gone => None,
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(*self.lock(), QueuedState::Gone)
    }

    /// Gives the request to h2, unless its caller has taken it back.
    pub(super) fn send(&self, sender: &mut SendRequest<Bytes>) {
        let mut state = self.lock();
        // If h2 panics, the request stays refused. That is true: the connection ends, and nothing more is written.
        let (head, body, waker) = match mem::replace(&mut *state, QueuedState::Refused(EndCause::Lost)) {
            QueuedState::Waits(head, body, waker) => (head, body, waker),
            ended @ (QueuedState::Sent(_) | QueuedState::Refused(_) | QueuedState::Gone) => {
                *state = ended;
                return;
            }
        };
        let (next, wake) = match sender.send_request(head, body.is_empty()) {
            Ok((response, mut upload)) => {
                // A failure is seen in the response too, and only there with its reason.
                let _ = if body.is_empty() { Ok(()) } else { upload.send_data(body, true) };
                let mut stream = OpenStream { response, upload };
                // The caller sleeps on until there is an answer, and none can be there before the request has left.
                // Only a stream that failed at once is ready, and it stays ready.
                let failed = waker.as_ref().is_some_and(|waker| {
                    Pin::new(&mut stream.response).poll(&mut Context::from_waker(waker)).is_ready()
                });
                (QueuedState::Sent(stream), failed)
            }
            Err(error) => (
                QueuedState::Refused(if error.is_go_away() { EndCause::GoAway } else { EndCause::NotTaken }),
                true,
            ),
        };
        *state = next;
        drop(state);
        if wake && let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Tells the caller that the connection is gone.
    pub(super) fn refuse(&self) {
        let mut state = self.lock();
        if let QueuedState::Waits(_, _, waker) = &mut *state {
            let waker = waker.take();
            *state = QueuedState::Refused(EndCause::Lost);
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueuedState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
