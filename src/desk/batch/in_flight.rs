//! The items of a batch that are in flight.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;

use super::future_slab::FutureSlab;
use crate::desk::Desk;
use crate::desk::settled::Settled;
use crate::desk::started::Started;

/// The items in flight, as a stream of their results. It is a trait because the future of an item has a type without a
/// name, so the slab that has such futures has none either.
pub(super) trait ItemsInFlight: Stream<Item = Settled> + Send + Unpin {
    /// Sends an item when the stream is polled next.
    fn send(&mut self, item: Started);

    /// Whether every item has its result.
    fn is_empty(&self) -> bool;

    /// Frees memory that items needed before this was called last, and none since.
    fn give_back(&mut self);
}

/// No items yet; those that come are sent by this desk.
pub(super) fn items_in_flight(desk: Arc<Desk>) -> Box<dyn ItemsInFlight> {
    Box::new(Sending { send: move |item: Started| item.send(Arc::clone(&desk)), futures: FutureSlab::new() })
}

/// The futures of items, and what makes one of an item.
struct Sending<S, F> {
    send: S,
    futures: FutureSlab<F>,
}

impl<S, F> ItemsInFlight for Sending<S, F>
where
    S: Fn(Started) -> F + Send + Unpin,
    F: Future<Output = Settled> + Send,
{
    fn send(&mut self, item: Started) {
        self.futures.push((self.send)(item));
    }

    fn is_empty(&self) -> bool {
        self.futures.is_empty()
    }

    fn give_back(&mut self) {
        self.futures.give_back();
    }
}

impl<S: Unpin, F: Future> Stream for Sending<S, F> {
    type Item = F::Output;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        Pin::new(&mut self.futures).poll_next(cx)
    }
}
