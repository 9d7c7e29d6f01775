//! From an admitted push to its first attempt: it is encoded, encrypted where its provider does that, and addressed.

use tracing::{Instrument, Span};

use super::attempts::Attempts;
use super::kinds::Logged;
use super::turns::TooLate;
use super::{Ask, Dispatcher, Room};
use crate::provider::{Provider, Seal};
use crate::push::{Outcome, PushResult, Reason};
use crate::telemetry::traces;

impl Dispatcher {
    /// Sends a push and returns its verdict, before the deadline.
    ///
    /// # Cancel safety
    /// Dropping the future stops the push if its connection has not taken it yet, and only then.
    pub fn send<'a, P: Provider>(
        &'a self,
        ask: &'a Ask<'a, P>,
        room: &'a mut Room,
    ) -> impl Future<Output = PushResult> + Send + 'a {
        let Ask { id, body, parent, .. } = *ask;
        let provider = P::KIND.name();
        // The span of a traced push is exported; that of any other is for those who ask the log for details.
        let span = match parent {
            Some(parent) => traces::push(parent, id, &body.app, provider),
            None => {
                let labels = tracing::field::Empty;
                tracing::debug_span!(parent: None, "push", %id, app = %body.app, provider, labels)
            }
        };
        if !body.labels.is_empty() {
            span.record("labels", tracing::field::debug(&body.labels));
        }
        // `#[instrument]` would hold the future twice.
        self.verdict(ask, room).instrument(span)
    }

    async fn verdict<P: Provider>(&self, ask: &Ask<'_, P>, room: &mut Room) -> PushResult {
        let mut result = self.encode_and_deliver(ask, room).await;
        result.provider = Some(P::KIND);
        let took = ask.terms.begun.elapsed();
        ask.route.metrics.settled(result.outcome, result.token_action, took);
        ask.note(&result, took);
        if ask.parent.is_some() {
            tell_span(&Span::current(), &result);
        }
        tracing::debug!(
            outcome = result.outcome.name(), status = result.upstream_status,
            reason = %Logged(&result.upstream_reason), detail = %Logged(&result.detail), "verdict"
        );
        result
    }

    async fn encode_and_deliver<P: Provider>(&self, ask: &Ask<'_, P>, room: &mut Room) -> PushResult {
        let Ask { body, encoded, route, terms, .. } = *ask;
        let most = self.settings.load().max_attempts;
        let mut attempts = Attempts::new(&body.options, most, terms.deadline);
        let own;
        let payload = match encoded {
            Some(encoded) => encoded.get_or_init(|| route.provider.encode(body)),
            None => {
                own = route.provider.encode(body);
                &own
            }
        };
        let payload = match payload {
            Ok(payload) => payload,
            Err(refusal) => return attempts.refused(refusal.clone(), route.guard()),
        };
        if let Some(seal) = P::SEAL {
            // What is encrypted is boxed, so that it takes no room in the future of every other push.
            return Box::pin(self.seal_and_deliver(ask, payload, seal, room, attempts)).await;
        }
        let sealed = P::Sealed::default();
        // The message is large, so it is borrowed across the wait: a parameter that is moved lies in the future twice.
        let mut message = match ask.address(payload, &sealed, body.accepted_at) {
            Ok(message) => Some(message),
            Err(refusal) => return attempts.refused(refusal, route.guard()),
        };
        self.deliver(ask, payload, &sealed, &mut message, room, attempts).await
    }

    /// Waits for a turn, encrypts the payload for its target, and delivers that. While the gateway drains the turns go
    /// on, because none of them takes long.
    async fn seal_and_deliver<P: Provider>(
        &self,
        ask: &Ask<'_, P>,
        payload: &P::Payload,
        seal: Seal<P>,
        room: &mut Room,
        mut attempts: Attempts,
    ) -> PushResult {
        let Ask { body, target, route, terms, .. } = *ask;
        // A push that may not be sent is not worth a turn.
        if let Err(refusal) = route.provider.may_send_to(target) {
            return attempts.refused(refusal, route.guard());
        }
        let encrypt = || seal(&route.provider, payload, target);
        let sealed = match self.turns.take(terms.flow.class, terms.deadline, encrypt).await {
            Ok(sealed) => sealed,
            Err(TooLate) => return attempts.too_late(),
        };
        let addressed = sealed.and_then(|sealed| {
            let message = ask.address(payload, &sealed, body.accepted_at)?;
            Ok((sealed, Some(message)))
        });
        match addressed {
            Ok((sealed, mut message)) => {
                self.deliver(ask, payload, &sealed, &mut message, room, attempts).await
            }
            Err(refusal) => attempts.refused(refusal, route.guard()),
        }
    }
}

/// Tells the span of a push its verdict.
fn tell_span(span: &Span, result: &PushResult) {
    let PushResult { outcome, reason, upstream_status, .. } = result;
    let is_well = matches!(outcome, Outcome::Accepted | Outcome::Validated);
    let (outcome, reason) = (outcome.name(), reason.map(Reason::name));
    traces::ended(span, outcome, *upstream_status, reason, (!is_well).then_some(outcome));
}
