//! A push on its way through the window.

use std::ops::Deref;
use std::sync::Arc;

use super::known::OncePush;
use super::table::{Claim, Joined, unconfirmed};
use super::window::Turn;
use crate::desk::settled::Settled;
use crate::desk::started::Started;
use crate::desk::{Desk, NO_ROOM_WAIT};
use crate::push::{Outcome, PushResult, Reason};

impl Started {
    /// Sends the push if it is the first with its id, and else waits for the verdict of the first.
    ///
    /// # Cancel safety
    /// Dropping the future of the first stops its push if its connection has not taken it yet. Another that waits is the
    /// first then.
    pub(in crate::desk) async fn send_once<D>(mut self, push: Box<OncePush>, desk: D) -> Settled
    where
        D: Deref<Target = Desk> + Send,
    {
        loop {
            let joined = match desk.once.claim(&push) {
                Claim::First(trail) => {
                    let turn = Turn::new(&desk.once, &push, trail.clone());
                    self.room.leave_trail(trail);
                    let settled = self.send_now(&*desk).await;
                    turn.settle(&settled.result);
                    return settled;
                }
                Claim::Joined(joined) => joined,
                Claim::Recorded(result) => return self.settle_unsent(Arc::unwrap_or_clone(result)),
                Claim::Reused => return self.settle_unsent(reused()),
                Claim::Full => return self.settle_unsent(full()),
            };
            let Joined { mut verdict, trail } = joined;
            let first = async { verdict.wait_for(Option::is_some).await.ok()?.as_ref().cloned() };
            match tokio::time::timeout_at(self.terms.deadline, first).await {
                Ok(Some(result)) => return self.settle_unsent(Arc::unwrap_or_clone(result)),
                // The caller of the first left before it was sent, so one of those who waited is the first now.
                Ok(None) => {}
                Err(_) => {
                    let detail = "the first push with this id had no verdict before the deadline of this one";
                    return self.settle_unsent(unconfirmed(trail.in_doubt(), detail));
                }
            }
        }
    }

    /// The verdict of a push that is not sent. It has the same target as the first, and so the same provider.
    fn settle_unsent(self, result: PushResult) -> Settled {
        let provider = self.opened.push.destination.guard().provider();
        self.settle(PushResult { provider: Some(provider), ..result })
    }
}

fn reused() -> PushResult {
    let detail = "expected the target, content and options of the first push with this id, found others";
    let mut result = PushResult::unsent(Outcome::InvalidPush, Reason::IdReused, detail);
    result.field = "id".into();
    result
}

fn full() -> PushResult {
    let detail = "as many pushes are in flight as the gateway remembers (limits.once_max)";
    let mut result = PushResult::unsent(Outcome::NotAttempted, Reason::Overloaded, detail);
    (result.retryable, result.retry_after) = (true, Some(NO_ROOM_WAIT));
    result
}
