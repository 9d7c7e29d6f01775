//! When, and how often: the way of one admitted push to its verdict.

mod admission;
mod attempts;
mod encoded;
mod route;
mod subscriptions;
mod suspicion;
mod turns;
mod window;

use std::time::{Duration, SystemTime};

use http::Method;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

pub use admission::{Admission, NoRoom, Room};
pub use encoded::Encoded;
pub use route::{AppRoutes, Route, Routes, Upstreams};
pub use subscriptions::Subscriptions;
pub use window::{Seat, WaitingSetFull, Window};

use crate::provider::webpush::Ephemeral;
use crate::provider::{Heal, Message, Payload, Verdict};
use crate::push::{Push, PushResult, Refusal};
use crate::upstream::{Answer, Flow, Origin, Request, UpstreamError};
use attempts::{Attempts, Next};
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
        let span = tracing::debug_span!("push", id = %push.id, app = %push.body.app, provider);
        // The attribute of the same name would hold the future twice.
        self.verdict(ask, room).instrument(span)
    }

    async fn verdict(&self, ask: &Ask<'_>, room: &mut Room) -> PushResult {
        let Ask { push, encoded, route, .. } = *ask;
        let begun = Instant::now();
        let own;
        let payload = match encoded {
            Some(encoded) => encoded.get(&route.provider, &push.body, &push.target),
            None => {
                own = route.provider.encode(&push.body, &push.target);
                own.as_ref().map_err(Clone::clone)
            }
        };
        let attempts = Attempts::new(
            route.provider.kind(),
            &push.body.options,
            self.settings.max_attempts,
            ask.deadline,
        );
        let result = match payload {
            // In a box, so that what is encrypted takes no room in the future of every other push.
            Ok(payload) if route.provider.seals() => Box::pin(self.seal(ask, payload, room, attempts)).await,
            // What is large is borrowed across the wait: a parameter that is moved lies in the future twice.
            Ok(payload) => match &mut address(ask, payload) {
                Ok(message) => self.deliver(ask, payload, message, room, attempts).await,
                Err(refusal) => attempts.refused(refusal.clone()),
            },
            Err(refusal) => attempts.refused(refusal),
        };
        route.metrics.settled(result.outcome, begun.elapsed());
        tracing::debug!(
            outcome = result.outcome.name(), status = result.upstream_status,
            reason = result.upstream_reason, detail = %result.detail, "verdict"
        );
        result
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
            return attempts.refused(refusal);
        }
        let encrypt = || route.provider.seal(payload, &push.target, &Ephemeral::draw());
        let sealed = match self.turns.take(flow.class, deadline, encrypt).await {
            Ok(sealed) => sealed,
            Err(TooLate) => return attempts.too_late(),
        };
        let addressed = sealed.and_then(|sealed| {
            let message = address(ask, sealed.as_ref().unwrap_or(payload))?;
            Ok((sealed, message))
        });
        match addressed {
            Ok((sealed, mut message)) => {
                self.deliver(ask, sealed.as_ref().unwrap_or(payload), &mut message, room, attempts).await
            }
            Err(refusal) => attempts.refused(refusal),
        }
    }

    async fn deliver(
        &self,
        ask: &Ask<'_>,
        payload: &Payload,
        message: &mut Message,
        room: &mut Room,
        mut attempts: Attempts,
    ) -> PushResult {
        let Ask { push, route, flow, deadline, .. } = *ask;
        if push.body.options.dry_run && !route.provider.answers_dry_runs() {
            return attempts.validated();
        }
        let upstream = match route.upstream(&push.target) {
            Ok(upstream) => upstream,
            Err(why) => return attempts.without_peer(why),
        };
        // The token that the last answer refused as expired.
        let mut refused = None;
        loop {
            tokio::select! {
                biased;
                ready = route.credential.ready(deadline, refused) => match ready {
                    Ok(()) => {}
                    Err(why) => return attempts.without_token(&why),
                },
                () = self.draining.cancelled() => return attempts.last(),
            }
            let permit = match upstream.permit(flow, deadline).await {
                Ok(permit) => permit,
                Err(unsent) => return attempts.unsent(&unsent),
            };
            if push.body.options.expiry.has_passed(SystemTime::now()) {
                return attempts.expired();
            }
            if message.counts_down {
                match address(ask, payload) {
                    Ok(fresh) => *message = fresh,
                    Err(refusal) => return attempts.refused(refusal),
                }
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
            let request = request(message, stamp.as_deref().map(|stamp| stamp.header()));
            let next;
            (attempts, next) = match permit.exchange(&request, room.share()).await {
                Ok(answer) => {
                    route.metrics.attempted();
                    let verdict = judge(route, upstream.origin(), message, &answer, generation);
                    refused = generation.filter(|_| verdict.heal.renews());
                    attempts.answered(verdict, answer.reply.status().as_u16())
                }
                Err(UpstreamError::Unanswered(unanswered)) => {
                    route.metrics.attempted();
                    refused = None;
                    attempts.unanswered(&unanswered)
                }
                Err(UpstreamError::Unsent(unsent)) => return attempts.unsent(&unsent),
            };
            match next {
                Next::Answer(result) => return result,
                Next::Again(wait) => {
                    if !self.pause(wait, room, deadline).await {
                        return attempts.last();
                    }
                }
            }
        }
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

/// The request to this target, as it is at this moment.
fn address(ask: &Ask<'_>, payload: &Payload) -> Result<Message, Refusal> {
    let Ask { push, route, .. } = *ask;
    route.provider.address(payload, &push.body, &push.id, &push.target, SystemTime::now())
}

/// What an answer means, with what is broken on our side mended.
fn judge(
    route: &Route,
    origin: &Origin,
    message: &Message,
    answer: &Answer,
    generation: Option<u64>,
) -> Verdict {
    let mut verdict = route.provider.classify(message, &answer.reply, SystemTime::now());
    verdict.token_action = route.suspicion.judge(verdict.outcome, verdict.token_action);
    let renew = || {
        if let Some(generation) = generation {
            match route.credential.renew(origin, generation) {
                Ok(renewal) => tracing::debug!(%renewal, "the push service refused the token as expired"),
                Err(error) => tracing::error!(%error, "the token cannot be renewed; the old one stays"),
            }
        }
    };
    match verdict.heal {
        Heal::Nothing => {}
        Heal::Renew => renew(),
        Heal::Retire => answer.retire_connection(),
        Heal::RenewAndRetire => {
            renew();
            answer.retire_connection();
        }
        Heal::HoldToken => route.credential.hold(),
    }
    verdict
}

fn request<'a>(message: &'a Message, authorization: Option<&'a http::HeaderValue>) -> Request<'a> {
    Request {
        method: &Method::POST,
        path: &message.path,
        headers: &message.headers,
        authorization,
        body: &message.body,
    }
}
