//! A dry run of a push that nobody but the gateway can check, because its push service answers none. It has been encoded,
//! encrypted and addressed as every push, and ends here: nothing waits, no peer is made, and nothing leaves.

use super::Ask;
use super::acquire::NoLeave;
use super::attempts::Attempts;
use crate::provider::Provider;
use crate::push::PushResult;

impl<P: Provider> Ask<'_, P> {
    /// The verdict that the push would have before its first attempt leaves, in the order in which an attempt meets what it
    /// needs; VALIDATED where nothing keeps it. What passes by itself keeps nothing: a token that is being fetched, an open
    /// breaker, a pace. A refused credential is looked at, and the right to probe is left to a push.
    pub(super) fn dry_run(&self, payload: &P::Payload, attempts: &mut Attempts) -> PushResult {
        let Self { route, target, .. } = *self;
        let origin = match route.peers.origin(&route.provider, target) {
            Ok(origin) => origin,
            Err(refusal) => return attempts.refused(refusal, route.guard()),
        };
        if let Some(why) = self.refusal(payload) {
            return attempts.stayed(&NoLeave::Refused(why));
        }
        if self.has_expired() {
            return attempts.stayed(&NoLeave::Expired);
        }
        let credential = &route.credential;
        if credential.stamps()
            && credential.stamp(&origin).is_none()
            && let Some(why) = credential.unable()
        {
            return attempts.without_token(&why);
        }
        attempts.validated()
    }
}
