//! Requests on their way from their callers to h2, which only the connection's task gives them to: callers who all did
//! it themselves would wait for h2's lock, and for each other.

use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};

use super::Streams;
use crate::cause::EndCause;

/// A stream that h2 opened.
pub(super) struct Sent {
    pub(super) response: ResponseFuture,
    pub(super) upload: SendStream<Bytes>,
}

/// A request that its caller handed over. Until the connection's task gives it to h2, it provably was not sent.
#[derive(Clone)]
pub(super) struct QueuedRequest(Arc<Mutex<State>>);

#[expect(clippy::large_enum_variant, reason = "each begins as the large one")]
enum State {
    Waits(http::Request<()>, Bytes, Option<Waker>),
    Sent(Sent),
    Refused(EndCause),
    /// Its caller has it, or has taken it back.
    Gone,
}

impl QueuedRequest {
    pub(super) fn new(head: http::Request<()>, body: Bytes) -> Self {
        Self(Arc::new(Mutex::new(State::Waits(head, body, None))))
    }

    /// Its stream, or why h2 did not take it. Polled to its end once.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<Sent, EndCause>> {
        let mut state = self.lock();
        if let State::Waits(_, _, waker) = &mut *state {
            *waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        match mem::replace(&mut *state, State::Gone) {
            State::Sent(sent) => Poll::Ready(Ok(sent)),
            State::Refused(why) => Poll::Ready(Err(why)),
            State::Waits(..) | State::Gone => {
                debug_assert!(false, "polled after its end");
                Poll::Pending
            }
        }
    }

    /// Takes it back. A stream where h2 has it already; else it never will.
    pub(super) fn withdraw(&self) -> Option<Sent> {
        let taken = mem::replace(&mut *self.lock(), State::Gone);
        match taken {
            State::Sent(sent) => Some(sent),
            State::Waits(..) | State::Refused(_) | State::Gone => None,
        }
    }

    fn is_gone(&self) -> bool {
        matches!(*self.lock(), State::Gone)
    }

    fn send(&self, sender: &mut SendRequest<Bytes>) {
        let mut state = self.lock();
        // Where h2 panics it stays so: its connection goes, and nothing is written.
        let (head, body, waker) = match mem::replace(&mut *state, State::Refused(EndCause::Lost)) {
            State::Waits(head, body, waker) => (head, body, waker),
            ended @ (State::Sent(_) | State::Refused(_) | State::Gone) => {
                *state = ended;
                return;
            }
        };
        let (next, wake) = match sender.send_request(head, body.is_empty()) {
            Ok((response, mut upload)) => {
                // A failure shows in the response, with its reason; here it would have none.
                let _ = if body.is_empty() { Ok(()) } else { upload.send_data(body, true) };
                let mut sent = Sent { response, upload };
                // It can have failed, and goes on saying so. An answer is not there before the request has left: the
                // caller sleeps on until it is.
                let ended = waker.as_ref().is_some_and(|waker| {
                    Pin::new(&mut sent.response).poll(&mut Context::from_waker(waker)).is_ready()
                });
                (State::Sent(sent), ended)
            }
            Err(error) => {
                (State::Refused(if error.is_go_away() { EndCause::GoAway } else { EndCause::NotTaken }), true)
            }
        };
        *state = next;
        drop(state);
        if wake && let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The connection is gone.
    pub(super) fn refuse(&self) {
        let mut state = self.lock();
        if let State::Waits(_, _, waker) = &mut *state {
            let waker = waker.take();
            *state = State::Refused(EndCause::Lost);
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the connection's task: where requests go on to h2, in the order they were handed over.
pub(crate) struct Outlet {
    /// Until nobody can hand over any more: kept, it would keep a connection that drains.
    sender: Option<SendRequest<Bytes>>,
    /// An empty one to swap for the one that callers fill.
    fresh: Vec<QueuedRequest>,
    queue: VecDeque<QueuedRequest>,
}

impl Outlet {
    pub(super) fn new(sender: SendRequest<Bytes>) -> Self {
        Self { sender: Some(sender), fresh: Vec::new(), queue: VecDeque::new() }
    }

    /// Gives h2 what was handed over, as far as it takes it: at the peer's limit it keeps one request for later, and no
    /// more in a turn.
    pub(super) fn send(&mut self, streams: &Streams, cx: &mut Context<'_>) {
        let Some(sender) = &self.sender else { return };
        // Before the last look.
        let last = streams.is_sealed();
        streams.take_handed(&mut self.fresh);
        self.queue.extend(self.fresh.drain(..));
        if !self.queue.is_empty() {
            // A sender holds the request that it keeps for later, and one that is given up could not be reset: it lives
            // for a turn.
            let mut sender = sender.clone();
            while !self.queue.is_empty() && sender.poll_ready(cx).is_ready() {
                if let Some(request) = self.queue.pop_front() {
                    request.send(&mut sender);
                }
            }
            self.queue.retain(|request| !request.is_gone());
        }
        if last && self.queue.is_empty() {
            self.sender = None;
        }
    }

    /// What is left provably was not sent.
    pub(super) fn close(&mut self) {
        self.sender = None;
        self.queue.drain(..).for_each(|request| request.refuse());
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;

    use super::*;
    use crate::connection::{Connection, Hub};
    use crate::core::ConnectionEvent;
    use crate::http2::Http2;
    use crate::observe::Report;
    use crate::transport::{Counted, GoAway, Transport};

    struct NoPool;

    impl Hub for NoPool {
        fn tell(&self, _: u64, _: ConnectionEvent) {}

        fn goaway(&self, _: u64, _: &GoAway) {}

        fn in_use(&self, _: u64) -> usize {
            0
        }

        fn report(&self, _: Report<'_>) {}
    }

    fn hand(streams: &Streams) -> QueuedRequest {
        let handed = QueuedRequest::new(http::Request::new(()), Bytes::from_static(b"push"));
        streams.hand(handed.clone());
        handed
    }

    async fn stream(handed: &QueuedRequest) -> Option<Result<u32, EndCause>> {
        let sent = poll_fn(|cx| handed.poll(cx)).now_or_never();
        sent.map(|sent| sent.map(|sent| sent.response.stream_id().as_u32()))
    }

    #[tokio::test]
    async fn what_h2_has_no_stream_for_yet_can_be_taken_back_and_is_unsent_at_the_end() {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (_, wire) = Transport::new(Box::new(tokio::io::empty()), Counted::new(tokio::io::empty()).1);
        let streams = Streams::new(Connection::new(1, Arc::new(NoPool)), wire);
        let http2 = Http2::new(Arc::clone(&streams));
        let server = tokio::spawn(async move {
            let mut server = h2::server::Builder::new();
            let mut server = server.max_concurrent_streams(1).handshake::<_, Bytes>(theirs).await.unwrap();
            let _unanswered = server.accept().await;
            std::future::pending::<()>().await;
        });
        let (sender, mut connection) = h2::client::handshake(ours).await.unwrap();
        poll_fn(|cx| {
            let ended = Pin::new(&mut connection).poll(cx);
            assert!(ended.is_pending(), "{ended:?}");
            if connection.max_concurrent_send_streams() == 1 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;

        let mut outlet = Outlet::new(sender);
        let send = async |outlet: &mut Outlet| {
            poll_fn(|cx| {
                outlet.send(&streams, cx);
                Poll::Ready(())
            })
            .await;
        };
        let [first, second, third, fourth] = [(); 4].map(|()| hand(&streams));
        send(&mut outlet).await;
        assert_eq!(stream(&first).await, Some(Ok(1)));
        assert_eq!(stream(&second).await, None);
        assert!(second.withdraw().is_none());
        drop(http2);
        send(&mut outlet).await;
        assert_eq!(stream(&third).await, Some(Ok(3)));
        assert_eq!(stream(&fourth).await, None);
        assert_eq!(outlet.queue.len(), 1);
        assert!(outlet.sender.is_some(), "the fourth waits for it");
        outlet.close();
        assert_eq!(stream(&fourth).await, Some(Err(EndCause::Lost)));
        server.abort();
    }
}
