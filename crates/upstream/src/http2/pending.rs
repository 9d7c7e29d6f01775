//! A caller's hold on its request.

use std::future::poll_fn;
use std::sync::Arc;

use super::exchange::Exchange;
use super::sender::Http2Sender;
use crate::cause::EndCause;
use crate::connection::{Connection, Slot};
use crate::error::NoReply;
use crate::in_flight::Share;
use crate::observe::Report;
use crate::request::{ExchangeLimits, Reply, Request};

/// Hands a request to the connection that `slot` stands for. The wait for its end is apart from this
/// ([`PendingReply::reply`]), so that the request itself is not kept for as long as the answer is waited for.
pub(crate) fn begin<'a>(
    sender: &Http2Sender,
    slot: Slot,
    request: Request,
    limits: ExchangeLimits,
    share: &'a Share,
) -> PendingReply<'a> {
    let inbox = sender.inbox();
    let exchange = Arc::new(Exchange::new(request, slot, limits));
    if !inbox.hand_over(Arc::clone(&exchange)) {
        // The connection is retired before the place on it returns, so that nobody else gets it.
        inbox.connection().retire(EndCause::NotTaken);
        exchange.refuse();
    }
    PendingReply { exchange, connection: Arc::clone(inbox.connection()), share, over: false }
}

/// A caller's hold on its request. When it is dropped, it takes the request back, or leaves it to the connection.
pub(crate) struct PendingReply<'a> {
    exchange: Arc<Exchange>,
    connection: Arc<Connection>,
    share: &'a Share,
    /// The caller was told.
    over: bool,
}

impl PendingReply<'_> {
    /// Waits for the end, at most until the deadline of the request. It may be called once.
    pub(crate) async fn reply(&mut self) -> Result<Reply, NoReply> {
        let (end, orphaned) = poll_fn(|cx| self.exchange.poll(cx, self.share)).await;
        self.over = true;
        if orphaned {
            self.connection.report(Report::Orphans(1));
        }
        end
    }
}

impl Drop for PendingReply<'_> {
    fn drop(&mut self) {
        if !self.over && self.exchange.leave(self.share) {
            self.connection.report(Report::Orphans(1));
        }
    }
}
