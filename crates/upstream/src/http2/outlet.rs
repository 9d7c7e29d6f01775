//! Where the connection's task gives h2 the requests that were handed over.

use std::collections::VecDeque;
use std::task::Context;

use bytes::Bytes;
use h2::client::SendRequest;

use super::outbox::QueuedRequest;
use super::streams::Streams;

/// Gives h2 the requests that were handed over, in their order. The connection's task owns it.
pub(super) struct Outlet {
    /// It is dropped when nobody can hand over a request any more: h2 does not end a connection while somebody has a
    /// sender.
    sender: Option<SendRequest<Bytes>>,
    /// An empty vector, which is swapped for the one that callers fill, so that neither is allocated anew.
    fresh: Vec<QueuedRequest>,
    /// Requests that h2 has no stream for yet.
    queue: VecDeque<QueuedRequest>,
}

impl Outlet {
    pub(super) fn new(sender: SendRequest<Bytes>) -> Self {
        Self { sender: Some(sender), fresh: Vec::new(), queue: VecDeque::new() }
    }

    /// Gives h2 the requests that were handed over, as far as it takes them. At the peer's limit h2 keeps one request
    /// for later, and takes no more in that turn.
    pub(super) fn send(&mut self, streams: &Streams, cx: &mut Context<'_>) {
        let Some(sender) = &self.sender else { return };
        // The order matters: what was handed over before the outbox was sealed must be seen by the last look.
        let last = streams.is_sealed();
        streams.take_handed_over(&mut self.fresh);
        self.queue.extend(self.fresh.drain(..));
        if !self.queue.is_empty() {
            // A sender remembers the request that h2 keeps for later, and h2 could not reset that request while the
            // sender lives. So each turn has a sender of its own.
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

    /// Refuses the requests that are left, which provably were not sent.
    pub(super) fn close(&mut self) {
        self.sender = None;
        self.queue.drain(..).for_each(|request| request.refuse());
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::Poll;

    use futures_util::FutureExt;

    use super::*;
    use crate::cause::EndCause;
    use crate::connection::{Connection, Hub};
    use crate::core::ConnectionEvent;
    use crate::http2::Http2Sender;
    use crate::observe::Report;
    use crate::transport::{CountedSocket, GoAway, Transport};

    struct NoPool;

    impl Hub for NoPool {
        fn tell(&self, _: u64, _: ConnectionEvent) {}

        fn returned(&self, _: u64, _: usize) {}

        fn goaway(&self, _: u64, _: &GoAway) {}

        fn in_use(&self, _: u64) -> usize {
            0
        }

        fn report(&self, _: Report<'_>) {}
    }

    fn hand_over(streams: &Streams) -> QueuedRequest {
        let request = QueuedRequest::new(http::Request::new(()), Bytes::from_static(b"body"));
        streams.hand_over(request.clone());
        request
    }

    async fn stream_id(request: &QueuedRequest) -> Option<Result<u32, EndCause>> {
        let told = poll_fn(|cx| request.poll(cx)).now_or_never();
        told.map(|told| told.map(|stream| stream.response.stream_id().as_u32()))
    }

    #[tokio::test]
    async fn what_h2_has_no_stream_for_yet_can_be_taken_back_and_is_unsent_at_the_end() {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (_, wire) =
            Transport::new(Box::new(tokio::io::empty()), CountedSocket::new(tokio::io::empty()).1);
        let streams = Streams::new(Connection::new(1, Arc::new(NoPool)), wire);
        let sender_of_callers = Http2Sender::new(Arc::clone(&streams));
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
        let [first, second, third, fourth] = [(); 4].map(|()| hand_over(&streams));
        send(&mut outlet).await;
        assert_eq!(stream_id(&first).await, Some(Ok(1)));
        assert_eq!(stream_id(&second).await, None);
        assert!(second.withdraw().is_none());
        drop(sender_of_callers);
        send(&mut outlet).await;
        assert_eq!(stream_id(&third).await, Some(Ok(3)));
        assert_eq!(stream_id(&fourth).await, None);
        assert_eq!(outlet.queue.len(), 1);
        assert!(outlet.sender.is_some(), "the fourth waits for it");
        outlet.close();
        assert_eq!(stream_id(&fourth).await, Some(Err(EndCause::Lost)));
        server.abort();
    }
}
