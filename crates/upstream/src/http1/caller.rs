//! What a caller does: it hands its request to the connection's task, and waits for the answer.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::request::{Http1Sender, TaskRequest};
use crate::cause::EndCause;
use crate::connection::Slot;
use crate::error::{NoAnswerCause, NoReply, Unanswered, UnsentCause};
use crate::in_flight::{OrphanShare, Share};
use crate::request::{ExchangeLimits, Reply};

/// Sends a request on the connection that `slot` stands for.
///
/// # Cancel safety
/// The exchange belongs to the connection. When this future is dropped, or its deadline comes, the answer is still
/// read, and nobody sees it.
pub(crate) async fn exchange(
    sender: Http1Sender,
    slot: Slot,
    head: http::Request<()>,
    body: Bytes,
    limits: ExchangeLimits,
    share: &Share,
) -> Result<Reply, NoReply> {
    let (answer, answered) = oneshot::channel();
    let (leave, orphaned) = oneshot::channel();
    let ExchangeLimits { deadline, give_up, max_reply } = limits;
    let request = TaskRequest { head, body, give_up, max_reply, answer, orphaned, slot };
    // The channel has room for one request, and the slot is the right to that room.
    if let Err(mpsc::error::TrySendError::Full(request) | mpsc::error::TrySendError::Closed(request)) =
        sender.0.try_send(request)
    {
        request.slot.connection().retire(EndCause::NotTaken);
        return Err(NoReply::Unsent(UnsentCause::NotTaken));
    }
    drop(sender);
    let _caller = CallerGuard { share, leave: Some(leave) };
    match tokio::time::timeout_at(deadline, answered).await {
        Ok(Ok(ended)) => ended,
        // The task answers for every request that it has, however it ends.
        Ok(Err(_)) => Err(NoReply::Unanswered(Unanswered::without_head(NoAnswerCause::ConnectionLost))),
        Err(_) => Err(NoReply::Unanswered(Unanswered::without_head(NoAnswerCause::Deadline))),
    }
}

/// Gives the caller's share to the exchange when the caller leaves before the answer.
struct CallerGuard<'a> {
    share: &'a Share,
    leave: Option<oneshot::Sender<OrphanShare>>,
}

impl Drop for CallerGuard<'_> {
    fn drop(&mut self) {
        if let Some(leave) = self.leave.take().filter(|leave| !leave.is_closed()) {
            // This fails if the exchange has ended just now. Then the share is dropped, and counts no more.
            let _ = leave.send(self.share.orphan());
        }
    }
}
