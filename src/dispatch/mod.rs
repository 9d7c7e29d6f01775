//! When, and how often: the way of one admitted push to its verdict.

mod attempts;
mod encoded;
mod judge;
mod kinds;
mod request;
mod room;
mod route;
mod subscriptions;
mod suspicion;
mod turns;
mod window;

use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

pub use encoded::Encoded;
pub use room::Room;
pub use route::{AppRoutes, Route, Routes, Upstreams};
pub use subscriptions::Subscriptions;
pub use window::{Seat, WaitingSetFull, Window};

use crate::credential::NoToken;
use crate::provider::webpush::Ephemeral;
use crate::provider::{Message, Payload};
use crate::push::{Push, PushResult};
use crate::upstream::{Flow, UpstreamError};
use attempts::{Attempts, Next};
use judge::{judge, judge_head};
use kinds::Logged;
use request::{address, has_passed, request};
use subscriptions::NoPeer;
use turns::{TooLate, Turns};

/// Limits of dispatch.
#[derive(Debug, Clone)]
pub struct DispatchSettings {
    /// Times that one push is handed to its push service, where answers allow another.
    pub max_attempts: u32,
}

impl Default for DispatchSettings {
    fn default() -> Self {
        Self { max_attempts: 4 }
    }
}

/// Sends admitted pushes.
#[derive(Debug)]
pub struct Dispatcher {
    settings: DispatchSettings,
    draining: CancellationToken,
    /// Of those who encrypt.
    turns: Turns,
}

/// An admitted push and what its way needs.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The push.
    pub push: &'a Push,
    /// Its content encoded, where it is shared with others.
    pub encoded: Option<&'a Encoded>,
    /// What its app on its provider needs.
    pub route: &'a Route,
    /// How it competes for streams.
    pub flow: Flow,
    /// Work on it began then.
    pub begun: Instant,
    /// The verdict is out by then.
    pub deadline: Instant,
}

impl Dispatcher {
    /// `draining` ends the waits between attempts. Called in the runtime that pushes are sent in.
    #[must_use]
    pub fn new(settings: DispatchSettings, draining: CancellationToken) -> Self {
        Self { settings, draining, turns: Turns::of_runtime() }
    }

    /// Cancelled when the gateway drains.
    #[must_use]
    pub fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// Sends a push and returns its verdict, before the deadline.
    ///
    /// # Cancel safety
    /// Dropping the future stops what has not been written upstream, and only that.
    pub fn send<'a>(&'a self, ask: &'a Ask<'a>, room: &'a mut Room) -> impl Future<Output = PushResult> + 'a {
        let (push, provider) = (ask.push, ask.route.provider.kind().name());
        let labels = tracing::field::Empty;
        let span = tracing::debug_span!("push", id = %push.id, app = %push.body.app, provider, labels);
        if !push.body.labels.is_empty() {
            span.record("labels", tracing::field::debug(&push.body.labels));
        }
        // The attribute of the same name would hold the future twice.
        self.verdict(ask, room).instrument(span)
    }

    async fn verdict(&self, ask: &Ask<'_>, room: &mut Room) -> PushResult {
        let result = self.encode_and_deliver(ask, room).await;
        ask.route.metrics.settled(result.outcome, ask.begun.elapsed());
        tracing::debug!(
            outcome = result.outcome.name(), status = result.upstream_status,
            reason = %Logged(&result.upstream_reason), detail = %Logged(&result.detail), "verdict"
        );
        result
    }

    async fn encode_and_deliver(&self, ask: &Ask<'_>, room: &mut Room) -> PushResult {
        let Ask { push, encoded, route, deadline, .. } = *ask;
        let provider = &route.provider;
        let attempts =
            Attempts::new(provider.kind(), &push.body.options, self.settings.max_attempts, deadline);
        let own;
        let payload = match encoded {
            Some(encoded) => encoded.get(provider, &push.body, &push.target),
            None => {
                own = provider.encode(&push.body, &push.target);
                &own
            }
        };
        let payload = match payload {
            Ok(payload) => payload,
            Err(refusal) => return attempts.refused(refusal.clone(), route),
        };
        if provider.seals() {
            // In a box, so that what is encrypted takes no room in the future of every other push.
            return Box::pin(self.seal(ask, payload, room, attempts)).await;
        }
        // What is large is borrowed across the wait: a parameter that is moved lies in the future twice.
        let mut message = match address(ask, payload, push.body.accepted_at) {
            Ok(message) => Some(message),
            Err(refusal) => return attempts.refused(refusal, route),
        };
        self.deliver(ask, payload, &mut message, room, attempts).await
    }

    /// Encrypts for its target what is the same for all, when its turn has come, and delivers that. While the
    /// gateway drains the turns go on: none of them takes long.
    async fn seal(
        &self,
        ask: &Ask<'_>,
        payload: &Payload,
        room: &mut Room,
        attempts: Attempts,
    ) -> PushResult {
        let Ask { push, route, flow, deadline, .. } = *ask;
        // One that may not be sent there is not worth a turn.
        if let Err(refusal) = route.provider.origin(&push.target) {
            return attempts.refused(refusal, route);
        }
        let encrypt = || route.provider.seal(payload, &push.target, &Ephemeral::draw());
        let sealed = match self.turns.take(flow.class, deadline, encrypt).await {
            Ok(sealed) => sealed,
            Err(TooLate) => return attempts.too_late(),
        };
        let addressed = sealed.and_then(|sealed| {
            let message = address(ask, sealed.as_ref().unwrap_or(payload), push.body.accepted_at)?;
            Ok((sealed, Some(message)))
        });
        match addressed {
            Ok((sealed, mut message)) => {
                self.deliver(ask, sealed.as_ref().unwrap_or(payload), &mut message, room, attempts).await
            }
            Err(refusal) => attempts.refused(refusal, route),
        }
    }

    /// What an async block takes lies in its future once, the parameters of an async function twice.
    #[expect(clippy::manual_async_fn, reason = "a push holds it while it is in flight")]
    fn deliver<'a>(
        &'a self,
        ask: &'a Ask<'a>,
        payload: &'a Payload,
        first: &'a mut Option<Message>,
        room: &'a mut Room,
        mut attempts: Attempts,
    ) -> impl Future<Output = PushResult> + Send + 'a {
        async move {
            let Ask { push, route, flow, deadline, .. } = *ask;
            if push.body.options.dry_run && !route.provider.answers_dry_runs() {
                return attempts.validated();
            }
            if let Some(why) = route.ended() {
                return attempts.without_token(&why);
            }
            let upstream = match route.upstream(&push.target) {
                Ok(upstream) => upstream,
                Err(NoPeer::Refused(refusal)) => return attempts.refused(refusal, route),
                Err(NoPeer::TooMany(why)) => return attempts.without_peer(&why),
            };
            // The token that the last answer refused as expired.
            let mut refused = None;
            loop {
                match self.token(route, deadline, refused).await {
                    Some(Ok(())) => {}
                    Some(Err(why)) => return attempts.without_token(&why),
                    None => return attempts.last(),
                }
                let permit = match upstream.permit(flow, deadline).await {
                    Ok(permit) => permit,
                    Err(unsent) => return attempts.unsent(&unsent),
                };
                if has_passed(push.body.options.expiry) {
                    return attempts.expired();
                }
                // Permit first, token second: a push may have waited longer than its token lived.
                let stamp = route.credential.stamp(upstream.origin());
                if stamp.is_none() && route.credential.stamps() {
                    match route.credential.unable() {
                        Some(why) => return attempts.without_token(&why),
                        None => continue,
                    }
                }
                let generation = stamp.as_deref().map(|stamp| stamp.generation());
                let authorization = stamp.as_deref().map(|stamp| stamp.header());
                let anew = || address(ask, payload, SystemTime::now());
                // The first was said before anything was waited for, so that a refusal waits for nothing.
                let message = match first.take().filter(|message| !message.counts_down) {
                    Some(message) => message,
                    None => match anew() {
                        Ok(message) => message,
                        Err(refusal) => return attempts.refused(refusal, route),
                    },
                };
                let context = message.context;
                let again = || anew().ok().map(|message| request(message, authorization));
                let exchange = permit.exchange(request(message, authorization), again, room.share());
                let next;
                (attempts, next) = match exchange.await {
                    Ok(answer) => {
                        route.metrics.attempted();
                        let verdict = judge(route, upstream.origin(), context, &answer, generation);
                        refused = generation.filter(|_| verdict.heal.renews());
                        attempts.answered(verdict, Some(answer.reply.status().as_u16()))
                    }
                    Err(UpstreamError::Unanswered(unanswered)) => {
                        route.metrics.attempted();
                        refused = None;
                        match judge_head(route, context, &unanswered) {
                            Some(verdict) => attempts.answered(verdict, unanswered.status()),
                            None => attempts.unanswered(&unanswered),
                        }
                    }
                    Err(UpstreamError::Unsent(unsent)) => return attempts.unsent(&unsent),
                };
                match next {
                    Next::Answer(result) => return result,
                    Next::Again(wait) => {
                        if !Box::pin(self.pause(wait, room, deadline)).await {
                            return attempts.last();
                        }
                    }
                }
            }
        }
    }

    /// Waits for a token; None where the gateway drains first.
    async fn token(
        &self,
        route: &Route,
        deadline: Instant,
        refused: Option<u64>,
    ) -> Option<Result<(), NoToken>> {
        if let Some(ready) = route.credential.ready(deadline, refused).now_or_never() {
            return Some(ready);
        }
        // Boxed, so that the wait takes no room where there is none.
        let wait = async {
            tokio::select! {
                biased;
                ready = route.credential.ready(deadline, refused) => Some(ready),
                () = self.draining.cancelled() => None,
            }
        };
        Box::pin(wait).await
    }

    /// Waits between two attempts; whether another may follow.
    async fn pause(&self, wait: Duration, room: &mut Room, deadline: Instant) -> bool {
        if wait.is_zero() {
            return true;
        }
        tokio::select! {
            waited = room.wait(wait) => waited != Err(WaitingSetFull),
            () = self.draining.cancelled() => false,
            // Its window may have no seat for one that comes back.
            () = tokio::time::sleep_until(deadline) => false,
        }
    }
}
