//! The tasks of calls, which can be given up from outside. Over HTTP/2 each call has one; over HTTP/1.1 the connection has one
//! for its calls, which come one after the other, and gives itself up with them.
//!
//! hyper asks the body of an answer for more only when the caller has let through what it was given before. So a body whose
//! caller takes nothing is never asked, and cannot say that its call is over. Here the task of such a call drops everything
//! that hyper has of it, for which HTTP/2 discards what was not written and resets the stream.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

thread_local! {
    /// What the answer of the call whose task runs now waits for beside its caller. hyper hands a task nothing, so an answer
    /// leaves this here when it is made, and the task takes it when it has been polled.
    static LEFT: Cell<Option<CancellationToken>> = const { Cell::new(None) };
}

/// Has the call whose task runs now given up when this is cancelled.
pub(super) fn given_up_by(token: CancellationToken) {
    LEFT.set(Some(token));
}

/// Comes when the call of this task is given up. It is polled right after the call.
#[derive(Debug, Default)]
pub(super) struct GivenUp(Option<Pin<Box<WaitForCancellationFutureOwned>>>);

impl Future for GivenUp {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(token) = LEFT.take() {
            self.0 = Some(Box::pin(token.cancelled_owned()));
        }
        self.0.as_mut().map_or(Poll::Pending, |given_up| given_up.as_mut().poll(cx))
    }
}

/// The call of this task is over, so nobody waits for it to be given up.
pub(super) fn is_over() {
    LEFT.set(None);
}

/// Runs the tasks of calls. They need no owner: each ends when its connection ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallTasks;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for CallTasks {
    fn execute(&self, call: F) {
        tokio::spawn(CallTask { call, given_up: GivenUp::default() });
    }
}

pin_project! {
    struct CallTask<F> {
        #[pin]
        call: F,
        // It is there for the few calls that can be given up.
        given_up: GivenUp,
    }
}

impl<F: Future<Output = ()>> Future for CallTask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.call.poll(cx).is_ready() {
            is_over();
            return Poll::Ready(());
        }
        Pin::new(this.given_up).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn the_task_of_a_call_that_is_given_up_drops_it() {
        let (token, other) = (CancellationToken::new(), CancellationToken::new());
        let (kept, mut dropped) = oneshot::channel::<()>();
        let leaves = token.clone();
        CallTasks.execute(async move {
            given_up_by(leaves);
            std::future::pending::<()>().await;
            drop(kept);
        });
        let (ends, ended) = oneshot::channel();
        CallTasks.execute(async move {
            given_up_by(other);
            ends.send(()).unwrap();
        });
        ended.await.unwrap();
        assert!(dropped.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        token.cancel();
        assert!(dropped.await.is_err());
    }
}
