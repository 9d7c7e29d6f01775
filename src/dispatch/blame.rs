//! What answers of the kind 5xx are held against: the peer, or one part of it.
//!
//! A peer of APNs, Web Push or Mattermost belongs to one credential, or is one push service, so an answer that says that
//! it is ill concerns all who share the peer, and the pool holds them back. Behind the one peer of FCM are projects, of
//! which one may fail while the others are well, so each project has a breaker of its own there.

use std::time::SystemTime;

use fanfare_upstream::Answer;

use super::Route;
use crate::provider::{Provider, Verdict, retry_after};
use crate::push::Outcome;

impl<P: Provider> Route<P> {
    /// Holds an answer against the peer or against the part of it that the app sends to, if it says that the service is ill.
    pub(super) fn hold_against(&self, verdict: &Verdict, answer: &Answer) {
        let server_error = answer.reply.status.is_server_error();
        // Whoever answers in place of a service that it does not reach leaves in doubt what became of the push, but not
        // that the service is ill.
        let ill =
            server_error && matches!(verdict.outcome, Outcome::UpstreamUnavailable | Outcome::Unconfirmed);
        let asked = || retry_after(&answer.reply.fields, SystemTime::now());
        match &self.breaker {
            Some(breaker) if ill => breaker.failed(answer.reply.status.as_u16(), asked()),
            Some(breaker) => breaker.succeeded(),
            None if ill => return answer.failed(asked()),
            None => {}
        }
        if server_error {
            answer.succeeded();
        }
    }
}
