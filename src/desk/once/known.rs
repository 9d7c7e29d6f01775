//! What the window knows a push by: digests, so that it keeps neither content nor target.

use super::digest::Digest;
use crate::caller::Caller;
use crate::desk::draft::OptionsDraft;
use crate::dispatch::Push;
use crate::push::{Content, Reason, Refusal};

/// What the window knows a push by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::desk) struct OncePush {
    /// Its caller, app and id. Those of two pushes are the same where the second is not to be sent.
    pub(super) key: Digest,
    /// Its target, content and options, which are to be the same then.
    pub(super) fingerprint: Digest,
}

/// What a push says and how it is treated, as its caller gave it: a time to live is not fixed to the clock yet. There is none
/// where the push is not to be sent once.
pub(in crate::desk) fn said(content: &Content, draft: &OptionsDraft) -> Option<Digest> {
    let OptionsDraft { options, ttl } = draft;
    // How long the gateway may work on it, and how often it tries, is not part of what is sent.
    let treated = (options.priority, ttl, options.expiry, &options.collapse_key);
    options.once.then(|| Digest::of(&(content, treated)))
}

/// What the window knows an opened push by; none where it does not pass the window. `has_id` says whether its caller gave
/// it an id.
///
/// # Errors
/// Fails if its caller gave it none: an id that the gateway makes is never seen twice.
pub(in crate::desk) fn known_by(
    caller: &Caller,
    push: &Push,
    has_id: bool,
    said: Option<Digest>,
) -> Result<Option<Box<OncePush>>, Refusal> {
    let Some(said) = said else { return Ok(None) };
    if !has_id {
        let detail =
            "expected an id beside options.once, found nothing: the gateway knows the push again by it";
        return Err(Refusal::field("id", Reason::FieldRequired, detail));
    }
    // A dry run delivers nothing, so there is nothing to remember, and what is remembered says nothing of it.
    if push.body.options.dry_run {
        return Ok(None);
    }
    let key = Digest::of(&(caller.name(), &push.body.app, &push.id));
    let fingerprint = Digest::of(&(&push.destination, said));
    Ok(Some(Box::new(OncePush { key, fingerprint })))
}
