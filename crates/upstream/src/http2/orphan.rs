//! An exchange whose caller has left.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

use super::exchange::{Exchange, StreamEnd};
use crate::in_flight::OrphanShare;
use crate::transport::Wire;

/// An exchange whose caller has left. It belongs to the task of its connection, which reads the answer, or resets the
/// stream at the answer timeout. Only then does the permit return: the peer counts the stream for as long.
///
/// The fields drop in this order, so that the request counts as in flight until its stream is given back.
pub(super) struct Orphan {
    exchange: Exchange,
    wire: Arc<Wire>,
    give_up: Pin<Box<Sleep>>,
    _share: OrphanShare,
}

impl Orphan {
    pub(super) fn new(exchange: Exchange, wire: Arc<Wire>, give_up: Instant, share: OrphanShare) -> Self {
        Self { exchange, wire, give_up: Box::pin(sleep_until(give_up)), _share: share }
    }
}

impl Future for Orphan {
    /// How it ended, by the name that observers are given.
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'static str> {
        let Self { exchange, wire, give_up, .. } = &mut *self;
        match exchange.poll_reply(cx, wire) {
            Poll::Ready(Ok(_)) => return Poll::Ready("answered"),
            Poll::Ready(Err(StreamEnd::Unsent(_))) => return Poll::Ready("returned"),
            Poll::Ready(Err(StreamEnd::Unanswered(_) | StreamEnd::WithItsConnection)) => {
                return Poll::Ready("lost");
            }
            Poll::Pending => {}
        }
        ready!(give_up.as_mut().poll(cx));
        exchange.gave_up();
        Poll::Ready("timeout")
    }
}
