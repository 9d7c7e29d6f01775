//! A future that is polled only when it has something to do.
//!
//! A task polls all that it waits for whenever one of them wakes it, and whoever waits for a timer or a token takes a lock each
//! time. A connection waits for several of them that come once in minutes, beside calls that come thousands of times a second.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use pin_project_lite::pin_project;

pin_project! {
    /// A future that is polled once, and then only after it was woken.
    pub(super) struct Woken<F> {
        #[pin]
        future: F,
        wakes: Arc<Wakes>,
        // The same as a waker, so that none is made for each poll.
        waker: Waker,
        // Who polls, as it was told to `wakes`.
        task: Option<Waker>,
    }
}

/// Whether a future was woken, and whom that wakes.
struct Wakes {
    woken: AtomicBool,
    task: AtomicWaker,
}

impl<F> Woken<F> {
    pub(super) fn new(future: F) -> Self {
        let wakes = Arc::new(Wakes { woken: AtomicBool::new(true), task: AtomicWaker::new() });
        Self { future, waker: Waker::from(Arc::clone(&wakes)), wakes, task: None }
    }
}

impl<F: Future> Future for Woken<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let is_known = this.task.as_ref().is_some_and(|task| task.will_wake(cx.waker()));
        if is_known && !this.wakes.woken.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        // Whoever is woken is forgotten, so the task is told anew before the look that decides.
        this.wakes.task.register(cx.waker());
        if !is_known {
            *this.task = Some(cx.waker().clone());
        }
        if this.wakes.woken.swap(false, Ordering::AcqRel) {
            this.future.poll(&mut Context::from_waker(this.waker))
        } else {
            Poll::Pending
        }
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;

    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn it_is_polled_once_and_then_only_when_it_was_woken() {
        let (sender, mut receiver) = oneshot::channel();
        let polls = AtomicUsize::new(0);
        let mut woken = pin!(Woken::new(poll_fn(|cx| {
            polls.fetch_add(1, Ordering::Relaxed);
            receiver.poll_unpin(cx)
        })));
        for _ in 0..3 {
            assert!(woken.as_mut().now_or_never().is_none());
        }
        assert_eq!(polls.load(Ordering::Relaxed), 1);
        sender.send(7).unwrap();
        assert_eq!(woken.await, Ok(7));
        assert_eq!(polls.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn whoever_polls_last_is_woken() {
        let (sender, receiver) = oneshot::channel();
        let mut woken = Box::pin(Woken::new(receiver));
        assert!(woken.as_mut().now_or_never().is_none());
        let other = tokio::spawn(woken);
        tokio::task::yield_now().await;
        sender.send(7).unwrap();
        assert_eq!(other.await.unwrap(), Ok(7));
    }
}
