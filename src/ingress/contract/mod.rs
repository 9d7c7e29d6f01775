//! The messages of the contract, for every ingress that speaks it: a message becomes a draft, and a result becomes a message.
//! A part that cannot be decoded is in the draft as its refusal, which names the field as a path from the push.

pub(super) mod batch;
mod check;
mod content;
mod fault;
mod items;
mod result;
mod target;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use fanfare_upstream::ServiceClass;
use prost::DecodeError;
use tracing::Span;

use crate::desk::{Addressee, BodyDraft, Draft, DraftBody, OptionsDraft};
use crate::held_bytes::PushBytes;
use crate::proto;
use crate::push::{Expiry, Labels, Options, Priority, Reason, Refusal};
use check::{Decoded, duration, invalid, moment, required, within};

pub(super) use check::known;
pub(super) use fault::CallFault;
pub(super) use items::Items;
pub(super) use result::{outcome, settled};

/// `Options.max_wait` is at most so long.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);

/// A call that is no stream has at most so many items.
pub(super) const MAX_ITEMS: usize = 1000;

const MAX_COLLAPSE_KEY_BYTES: usize = 256;

/// Decodes a push. It is of the default app where it names none.
pub(super) fn push(push: proto::Push, default_app: &str, accepted_at: SystemTime, held: PushBytes) -> Draft {
    let proto::Push { id, app, target, content, options, labels } = push;
    let body = body(app, default_app, content, options, labels, accepted_at);
    Draft { id, target: target::target(target), body: DraftBody::Own(body), held, parent: Span::none() }
}

/// A push whose bytes are no push. Its id may have been among those that could be read.
fn undecodable_push(id: String, error: &DecodeError) -> Draft {
    unreadable_push(id, unreadable("push", error))
}

/// An item that is no push, for this reason. Its id may have been found in it.
pub(super) fn unreadable_push(id: String, refusal: Refusal) -> Draft {
    let body = DraftBody::Unreadable(refusal.clone());
    Draft { id, target: Err(refusal), body, held: Ok(None), parent: Span::none() }
}

/// Decodes what the addressees of a multicast share.
fn multicast(
    multicast: proto::Multicast,
    error: Option<&DecodeError>,
    default_app: &str,
    accepted_at: SystemTime,
) -> Result<BodyDraft, Refusal> {
    if let Some(error) = error {
        return Err(unreadable("multicast", error));
    }
    let proto::Multicast { app, content, options, labels, .. } = multicast;
    Ok(body(app, default_app, content, options, labels, accepted_at))
}

/// Decodes one addressee of a multicast.
fn addressee((addressee, error): (proto::Addressee, Option<DecodeError>)) -> Addressee {
    let proto::Addressee { id, target } = addressee;
    let target = match error {
        None => target::target(target),
        Some(error) => Err(unreadable("push", &error)),
    };
    Addressee { id, target, parent: Span::none() }
}

/// An item cannot be decoded. The error names the field where one is known, and repeats no value.
fn unreadable(what: &str, error: &DecodeError) -> Refusal {
    Refusal::field("", Reason::FieldInvalid, format!("the {what} cannot be decoded: {error}"))
}

fn body(
    mut app: String,
    default_app: &str,
    content: Option<proto::Content>,
    options: Option<proto::Options>,
    labels: Labels,
    accepted_at: SystemTime,
) -> BodyDraft {
    if app.is_empty() {
        default_app.clone_into(&mut app);
    }
    let (content, options) = (content::content(content), self::options(options));
    BodyDraft { app, content, options, labels, accepted_at }
}

/// A request has no push.
pub(super) fn push_required() -> Refusal {
    required("push", "a push")
}

/// A message of a stream has more items than it may have.
pub(super) fn too_many_items(most: usize, found: usize) -> Refusal {
    let detail = format!(
        "expected at most {most} pushes and addressees in a message (grpc.max_message_items), found {found}"
    );
    Refusal::field("pushes", Reason::FieldTooLarge, detail)
}

/// A call has no items, or more than it may have.
pub(super) fn items_expected(most: usize, found: usize) -> Refusal {
    let reason = if found == 0 { Reason::FieldRequired } else { Reason::FieldTooLarge };
    Refusal::field("pushes", reason, format!("expected 1 to {most} pushes and addressees, found {found}"))
}

/// How work competes with other work. None: the message does not say.
pub(super) fn service_class(field: &'static str, value: i32) -> Decoded<Option<ServiceClass>> {
    Ok(match known::<proto::ServiceClass>(field, value)? {
        proto::ServiceClass::Unspecified => None,
        proto::ServiceClass::Bulk => Some(ServiceClass::Bulk),
        proto::ServiceClass::Interactive => Some(ServiceClass::Interactive),
    })
}

/// How a push is treated, before its time to live is fixed to the clock.
fn options(options: Option<proto::Options>) -> Decoded<OptionsDraft> {
    let it = options.unwrap_or_default();
    let priority = match known::<proto::Priority>("options.priority", it.priority)? {
        proto::Priority::Unspecified => None,
        proto::Priority::High => Some(Priority::High),
        proto::Priority::Normal => Some(Priority::Normal),
        proto::Priority::Low => Some(Priority::Low),
    };
    let (ttl, expiry) = match (it.ttl, it.expire_at) {
        (Some(_), Some(_)) => {
            let detail = "expected ttl or expire_at, found both";
            return Err(Refusal::field("options.ttl", Reason::FieldsConflict, detail));
        }
        (Some(ttl), None) => (Some(duration("options.ttl", ttl)?), Expiry::Default),
        (None, at) => (None, moment("options.expire_at", at)?.map_or(Expiry::Default, Expiry::At)),
    };
    within("options.collapse_key", it.collapse_key.len(), MAX_COLLAPSE_KEY_BYTES)?;
    let max_wait = it.max_wait.map(|wait| duration("options.max_wait", wait)).transpose()?;
    if let Some(wait) = max_wait.filter(|wait| wait.is_zero() || *wait > MAX_WAIT) {
        return Err(invalid("options.max_wait", "more than 0 and at most one hour", format!("{wait:?}")));
    }
    let options = Options {
        priority,
        expiry,
        collapse_key: it.collapse_key,
        max_wait,
        repeatable: it.repeatable,
        dry_run: it.dry_run,
        once: it.once,
        from_anybody: false,
    };
    Ok(OptionsDraft { options, ttl })
}
