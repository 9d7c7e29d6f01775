//! An exchange whose caller has left: it reads the answer, or gives up at the answer timeout, and only then
//! returns its permit.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

use super::exchange::{Ended, Exchange};
use crate::in_flight::Orphaned;

/// It belongs to its connection's task.
pub(super) struct Orphan {
    in_flight: Exchange,
    give_up: Pin<Box<Sleep>>,
    _share: Orphaned,
}

impl Orphan {
    pub(super) fn new(in_flight: Exchange, give_up: Instant, share: Orphaned) -> Self {
        Self { in_flight, give_up: Box::pin(sleep_until(give_up)), _share: share }
    }
}

impl Future for Orphan {
    /// How it ended, as metrics name it.
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'static str> {
        match self.in_flight.poll_reply(cx) {
            Poll::Ready(Ok(_)) => return Poll::Ready("answered"),
            Poll::Ready(Err(Ended::Returned(_))) => return Poll::Ready("returned"),
            Poll::Ready(Err(Ended::Unanswered(_) | Ended::WithItsConnection)) => {
                return Poll::Ready("lost");
            }
            Poll::Pending => {}
        }
        ready!(self.give_up.as_mut().poll(cx));
        self.in_flight.gave_up();
        Poll::Ready("timeout")
    }
}
