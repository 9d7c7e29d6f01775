//! The pieces of an answer that are on their way to the socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

/// The pieces of one answer that are on their way.
#[derive(Debug, Default)]
pub(super) struct OnTheWay(Arc<Pieces>);

#[derive(Debug, Default)]
struct Pieces {
    count: AtomicUsize,
    none: AtomicWaker,
}

/// One piece that is on its way until this is dropped.
#[derive(Debug)]
pub(super) struct Leaves(Arc<Pieces>);

impl OnTheWay {
    /// One more piece.
    pub(super) fn leaves(&self) -> Leaves {
        self.0.count.fetch_add(1, Ordering::Relaxed);
        Leaves(Arc::clone(&self.0))
    }

    /// Waits until all pieces have arrived, as far as the gateway can see.
    pub(super) fn poll_none(&self, cx: &Context<'_>) -> Poll<()> {
        self.0.none.register(cx.waker());
        if self.0.count.load(Ordering::Acquire) == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Leaves {
    fn drop(&mut self) {
        // What was counted down is seen by whoever is woken.
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn the_last_piece_wakes_whoever_waits() {
        let way = OnTheWay::default();
        let none = || poll_fn(|cx| way.poll_none(cx));
        assert!(none().now_or_never().is_some());
        let (first, last) = (way.leaves(), way.leaves());
        drop(first);
        assert!(none().now_or_never().is_none());
        let dropping = async {
            tokio::task::yield_now().await;
            drop(last);
        };
        tokio::join!(none(), dropping);
    }
}
