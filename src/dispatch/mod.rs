//! When, and how often: the way of one admitted push to its verdict.

mod admission;
mod attempts;
mod route;
mod suspicion;

use std::time::SystemTime;

use http::Method;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use admission::{Admission, NoRoom, Room};
pub use route::{AppRoutes, Route, Routes, Upstreams};

use crate::provider::{Heal, Message, Payload, Verdict};
use crate::push::{Push, PushResult};
use crate::upstream::{Answer, Flow, Request, UpstreamError};
use attempts::{Attempts, Next};

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
}

impl Dispatcher {
    /// `draining` ends the waits between attempts.
    #[must_use]
    pub fn new(settings: DispatchSettings, draining: CancellationToken) -> Self {
        Self { settings, draining }
    }

    /// Sends a push and returns its verdict, before the deadline.
    ///
    /// # Cancel safety
    /// Dropping the future stops what has not been written upstream, and only that.
    #[tracing::instrument(
        name = "push", level = "debug", skip_all,
        fields(id = %push.id, app = %push.body.app, provider = route.provider.kind().name())
    )]
    pub async fn send(&self, push: &Push, route: &Route, flow: Flow, deadline: Instant) -> PushResult {
        let begun = Instant::now();
        let attempts =
            Attempts::new(route.provider.kind(), &push.body.options, self.settings.max_attempts, deadline);
        let result = match route.provider.encode(&push.body, &push.target) {
            Ok(payload) => self.deliver(push, &payload, route, flow, deadline, attempts).await,
            Err(refusal) => attempts.refused(refusal),
        };
        route.metrics.settled(result.outcome, begun.elapsed());
        tracing::debug!(
            outcome = result.outcome.name(), status = result.upstream_status,
            reason = result.upstream_reason, detail = %result.detail, "verdict"
        );
        result
    }

    async fn deliver(
        &self,
        push: &Push,
        payload: &Payload,
        route: &Route,
        flow: Flow,
        deadline: Instant,
        mut attempts: Attempts,
    ) -> PushResult {
        let message = match route.provider.address(payload, &push.body, &push.id, &push.target) {
            Ok(message) => message,
            Err(refusal) => return attempts.refused(refusal),
        };
        if push.body.options.dry_run {
            return attempts.validated();
        }
        let upstream = route.upstream(&push.target);
        loop {
            let permit = match upstream.permit(flow, deadline).await {
                Ok(permit) => permit,
                Err(unsent) => return attempts.unsent(&unsent),
            };
            if push.body.options.expiry.has_passed(SystemTime::now()) {
                return attempts.expired();
            }
            // Permit first, token second: a push may have waited longer than its token lived.
            let stamp = route.credential.stamp();
            let request = request(&message, stamp.as_deref().map(|stamp| stamp.header()));
            let next;
            (attempts, next) = match permit.exchange(request).await {
                Ok(answer) => {
                    route.metrics.attempted();
                    let verdict =
                        self.judge(route, &answer, stamp.as_deref().map(|stamp| stamp.generation()));
                    attempts.answered(verdict, answer.reply.status().as_u16())
                }
                Err(UpstreamError::Unanswered(unanswered)) => {
                    route.metrics.attempted();
                    attempts.unanswered(&unanswered)
                }
                Err(UpstreamError::Unsent(unsent)) => return attempts.unsent(&unsent),
            };
            match next {
                Next::Answer(result) => return result,
                Next::Again(wait) => {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.draining.cancelled(), if !wait.is_zero() => return attempts.draining(),
                    }
                }
            }
        }
    }

    /// What an answer means, with what is broken on our side mended.
    fn judge(&self, route: &Route, answer: &Answer, generation: Option<u64>) -> Verdict {
        let mut verdict = route.provider.classify(&answer.reply);
        verdict.token_action = route.suspicion.judge(verdict.outcome, verdict.token_action);
        let renew = || {
            if let Some(generation) = generation {
                route.credential.renew(generation);
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
