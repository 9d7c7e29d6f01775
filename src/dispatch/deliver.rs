//! The attempts of one push.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tracing::Instrument;
use tracing::field::Empty;

use super::acquire::Leave;
use super::attempts::{Attempts, Next};
use super::learn::Attempt;
use super::peers::NoPeer;
use super::request::stamped;
use super::window::WaitingSetFull;
use super::{Ask, Dispatcher, Room};
use crate::credential::Stamp;
use crate::provider::{Message, Provider};
use crate::push::PushResult;
use crate::telemetry::traces;

impl Dispatcher {
    /// Brings a push to its verdict, in one attempt or several. `send.rs` does the first steps: encode, seal and
    /// address.
    ///
    /// ```text
    /// encode ─▶ (seal) ─▶ address ─▶ peer ─▶ acquire ─▶ exchange ─▶ learn ─▶ next ─▶ verdict
    ///   │          │         │         │       │   ▲                           │
    ///   │          │         │         │       │   └───────── pause ◀──────────┘ another attempt may follow
    ///   ▼          ▼         ▼         ▼       ▼                │
    ///   verdict, because no attempt can be made                 ▼ verdict, because no other attempt can be made
    /// ```
    ///
    /// An `async fn` would keep each moved parameter twice.
    #[expect(clippy::manual_async_fn, reason = "a push holds this future while it is in flight")]
    pub(super) fn deliver<'a, P: Provider>(
        &'a self,
        ask: &'a Ask<'a, P>,
        payload: &'a P::Payload,
        sealed: &'a P::Sealed,
        first: &'a mut Option<Message<P::Context>>,
        room: &'a mut Room,
        mut attempts: Attempts,
    ) -> impl Future<Output = PushResult> + Send + 'a {
        async move {
            let route = ask.route;
            if let Some(why) = route.ended() {
                return attempts.without_token(&why);
            }
            if ask.body.options.dry_run && !P::ANSWERS_DRY_RUNS {
                return ask.dry_run(payload, &mut attempts);
            }
            let peer = match route.peers.peer(&route.provider, ask.target) {
                Ok(peer) => peer,
                Err(NoPeer::Refused(refusal)) => return attempts.refused(refusal, route.guard()),
                Err(NoPeer::TooMany(why)) => return attempts.without_peer(&why),
            };
            // The generation of the token that the last answer refused.
            let mut refused = None;
            loop {
                let Leave { permit, stamp, probe, pass } =
                    match self.acquire(ask, payload, &peer, refused).await {
                        Ok(leave) => leave,
                        Err(why) => return attempts.stayed(&why),
                    };
                if attempts.made() == 0 {
                    peer.first_try();
                }
                let stamp = stamp.as_deref();
                let anew = || ask.address(payload, sealed, SystemTime::now());
                // The first message was addressed before anything was waited for, so that a refusal waits for nothing.
                let message = first.take().filter(|message| !message.counts_down).map_or_else(anew, Ok);
                let Message { request, context, .. } = match message.and_then(|it| stamped(it, stamp)) {
                    Ok(message) => message,
                    Err(refusal) => return attempts.refused(refusal, route.guard()),
                };
                let again = || {
                    traces::resent();
                    stamped(anew().ok()?, stamp).ok().map(|message| message.request)
                };
                // Answer and result are large, so they end with this block and do not lie in the future of the pause.
                let (wait, costs_budget) = {
                    let n = attempts.made() + 1;
                    let span = match ask.parent {
                        Some(_) => traces::attempt(n, peer.origin().host(), peer.origin().port()),
                        None => tracing::debug_span!("attempt", n, outcome = Empty, status = Empty),
                    };
                    let begun = permit.granted_at();
                    room.note(n);
                    let exchange = permit.exchange(request, again, room.share());
                    let mut exchange = pin!(exchange.instrument(span));
                    let ended = exchange.as_mut().await;
                    let generation = stamp.map(Stamp::generation);
                    let renewed = refused.is_some() && generation > refused;
                    let (peer, span) = (&*peer, exchange.span());
                    let attempt =
                        Attempt { peer, payload, begun, context, generation, renewed, pass, span, ended };
                    let learned = ask.learn(attempt);
                    let costs_budget = learned.costs_retry_budget();
                    refused = generation.filter(|_| learned.refuses_token());
                    drop(probe);
                    match attempts.next(learned) {
                        Next::Answer(result) => return result,
                        Next::Again(wait) => {
                            room.note(attempts.in_doubt());
                            (wait, costs_budget)
                        }
                    }
                };
                if costs_budget && !peer.may_retry() {
                    return attempts.last();
                }
                // The pause is boxed, because few pushes have one.
                if !Box::pin(self.pause(wait, room, ask.useless_from())).await {
                    return attempts.last();
                }
            }
        }
    }

    /// Waits between two attempts, and says whether another attempt may follow.
    async fn pause(&self, wait: Duration, room: &mut Room, useless_from: Instant) -> bool {
        if wait.is_zero() {
            return true;
        }
        tokio::select! {
            waited = room.wait(wait) => waited != Err(WaitingSetFull),
            () = self.draining().cancelled() => false,
            // `room.wait` may last longer, since an item needs a seat again; its deadline or its expiry bounds it.
            () = tokio::time::sleep_until(useless_from) => false,
        }
    }
}
