//! Opens a draft: it becomes a push with its route, or its result where it cannot be sent.
//!
//! Of several faults the first is reported, in this order: what keeps it from being read, id, labels, app, which provider,
//! whether its caller may send it, the route to it, target, content, options, an id that an option needs. A multicast is opened before its addressees:
//! what keeps it from being read, labels, addressees, app, content, options.

use std::sync::Arc;

use fanfare_upstream::{Flow, ServiceClass};
use tracing::Span;

use super::admission::NoRoom;
use super::draft::{BodyDraft, Draft, DraftBody};
use super::lookup;
use super::once::{self, Digest, OncePush};
use super::refused::Refused;
use super::shared_body::OpenedBody;
use super::{Desk, check};
use crate::caller::Caller;
use crate::dispatch::{AppRoutes, Destination, Encoded, Push, Routes, RunMode, TargetDraft, Unsendable};
use crate::feed::FeedEvent;
use crate::held_bytes::{OverBudget, PushBytes};
use crate::push::{AppId, Body, Labels, PushId, PushResult, Reason, Refusal};
use crate::sharer::Sharer;

/// A push that can be sent. It keeps the route that its destination holds, though the routes of the desk may be swapped
/// while it is in flight.
pub(super) struct OpenedPush {
    pub(super) push: Push,
    /// Where the payload of a multicast lies, which is encoded once for all addressees.
    pub(super) encoded: Option<Arc<Encoded>>,
    /// What the window knows it by, where it is not to be sent twice.
    pub(super) once: Option<Box<OncePush>>,
    /// It is in a box, since few pushes have it and a batch has thousands in flight.
    rare: Option<Box<Rare>>,
    held: PushBytes,
}

/// What few pushes have.
struct Rare {
    /// The span that the span of the push is a child of.
    parent: Option<Span>,
    /// Who handed it in, where a feed may tell of it.
    told_caller: Option<Arc<str>>,
}

impl OpenedPush {
    /// The span that the span of the push is a child of.
    pub(super) fn parent(&self) -> Option<&Span> {
        self.rare.as_ref()?.parent.as_ref()
    }

    /// Tells the feeds that want to know it what became of the push.
    pub(super) fn tell(&self, result: &PushResult) {
        let Push { id, destination, body } = &self.push;
        destination.feeds().tell(result, || {
            let said = (&body.app, id, &body.labels);
            let caller = self.rare.as_ref().and_then(|rare| rare.told_caller.clone());
            FeedEvent::new(said, caller, destination.told(), result)
        });
    }

    /// The result where the push cannot be taken now.
    pub(super) fn not_attempted(self, reason: Reason, detail: &'static str) -> Refused {
        let Push { id, body, .. } = self.push;
        Refused::not_attempted(id.into_string(), body.labels.clone(), reason, detail)
    }

    /// Its caller and its app, as those who share room with others.
    pub(super) fn sharers<'a>(&'a self, caller: &'a Caller) -> [&'a Sharer; 2] {
        [caller.sharer(), self.push.destination.sharer()]
    }

    /// The flow of a caller's pushes, as that of this push, which is also its app's.
    pub(super) fn flow(&self, of_caller: Flow) -> Flow {
        let [caller, _] = of_caller.parties;
        Flow { parties: [caller, self.push.destination.party()], ..of_caller }
    }

    /// Whether there was room for the bytes of the push, which it holds until its result.
    ///
    /// # Errors
    /// Fails if there was none.
    pub(super) fn bytes_held(&self) -> Result<(), NoRoom> {
        self.held.as_ref().map(|_| ()).map_err(|OverBudget| NoRoom::OverBudget)
    }
}

/// The parts of a draft that make the push.
type Unopened = (String, Result<TargetDraft, Refusal>, DraftBody);

/// The push that they make, with what it shares and what it is known by; or its result.
type Opened = Result<(Push, Option<Arc<Encoded>>, Option<Box<OncePush>>), Box<Refused>>;

impl Desk {
    /// Opens a draft.
    ///
    /// # Errors
    /// Fails with the push's result if it cannot be sent.
    pub(super) fn open_draft(
        &self,
        caller: &Caller,
        class: ServiceClass,
        draft: Draft,
    ) -> Result<OpenedPush, Box<Refused>> {
        let asker = &Asker { caller, class };
        let Draft { id, target, body, held, parent } = draft;
        let parent = (!parent.is_disabled()).then_some(parent);
        let opened = self.open_parts(asker, (id, target, body));
        match opened {
            Ok((push, encoded, once)) => {
                let is_told = push.destination.feeds().tells_something();
                let told_caller = is_told.then(|| caller.shared_name());
                let rare = (parent.is_some() || is_told).then(|| Box::new(Rare { parent, told_caller }));
                Ok(OpenedPush { push, encoded, once, rare, held })
            }
            Err(refused) => {
                if let Some(parent) = parent {
                    refused.trace(&parent);
                }
                Err(refused)
            }
        }
    }

    fn open_parts(&self, asker: &Asker<'_>, (id, target, body): Unopened) -> Opened {
        let routes = self.routes.load();
        let has_id = !id.is_empty();
        let (push, encoded, said) = match body {
            DraftBody::Own(body) => {
                let (push, said) = own(&routes, asker, id, target, body)?;
                (push, None, said)
            }
            DraftBody::Shared(shared) => {
                let OpenedBody { body, encoded, said } = shared.open(&id)?;
                (addressee(&routes, asker, id, target, body)?, Some(encoded), said)
            }
            DraftBody::Unreadable(refusal) => {
                return Err(Refused::new(check::echo(id), Labels::new(), refusal));
            }
        };
        match once::known_by(asker.caller, &push, has_id, said) {
            Ok(once) => Ok((push, encoded, once)),
            Err(refusal) => Err(Refused::new(push.id.into_string(), push.body.labels.clone(), refusal)),
        }
    }
}

/// Who asks for a push, and how it is to compete with others: what a permission depends on beside the push itself.
struct Asker<'a> {
    caller: &'a Caller,
    class: ServiceClass,
}

/// A push with a body of its own.
fn own(
    routes: &Routes,
    asker: &Asker<'_>,
    id: String,
    target: Result<TargetDraft, Refusal>,
    mut body: BodyDraft,
) -> Result<(Push, Option<Digest>), Box<Refused>> {
    let id = check::id(id).map_err(|(id, refusal)| Refused::new(id, Labels::new(), refusal))?;
    let labels = match check::labels(std::mem::take(&mut body.labels)) {
        Ok(labels) => labels,
        Err(refusal) => return Err(Refused::new(id.into_string(), Labels::new(), refusal)),
    };
    match destination_and_body(routes, asker, &id, target, body) {
        Ok((destination, (body, said))) => {
            Ok((Push { id, destination, body: Arc::new(Body { labels, ..body }) }, said))
        }
        Err(why) => Err(Refused::new(id.into_string(), labels, why)),
    }
}

fn destination_and_body(
    routes: &Routes,
    asker: &Asker<'_>,
    id: &PushId,
    target: Result<TargetDraft, Refusal>,
    draft: BodyDraft,
) -> Result<(Destination, (Body, Option<Digest>)), Unsendable> {
    let app = check::app(&draft.app)?;
    let routes = lookup::app(routes, asker.caller, &app)?;
    let mode = draft.mode();
    let destination = lookup::destination(routes, asker.caller, (&app, id), asker.class, target, mode)?;
    let body = body(app, routes, draft).map_err(|refusal| destination.refuse(id, refusal, mode))?;
    Ok((destination, body))
}

/// A push whose body was opened for all addressees of its multicast.
fn addressee(
    routes: &Routes,
    asker: &Asker<'_>,
    id: String,
    target: Result<TargetDraft, Refusal>,
    body: Arc<Body>,
) -> Result<Push, Box<Refused>> {
    let id = check::id(id).map_err(|(id, refusal)| Refused::new(id, body.labels.clone(), refusal))?;
    let Asker { caller, class } = *asker;
    let app = lookup::app(routes, caller, &body.app).map_err(Unsendable::from);
    let mode = RunMode::of(&body.options);
    match app.and_then(|routes| lookup::destination(routes, caller, (&body.app, &id), class, target, mode)) {
        Ok(destination) => Ok(Push { id, destination, body }),
        Err(why) => Err(Refused::new(id.into_string(), body.labels.clone(), why)),
    }
}

/// The body that the addressees of a multicast share.
pub(super) fn shared_body(
    routes: &Routes,
    caller: &Caller,
    draft: BodyDraft,
) -> Result<(Body, Option<Digest>), Refusal> {
    let app = check::app(&draft.app)?;
    let routes = lookup::app(routes, caller, &app)?;
    body(app, routes, draft)
}

/// The body, and what it says as a digest where it is to be sent once.
fn body(app: AppId, routes: &AppRoutes, draft: BodyDraft) -> Result<(Body, Option<Digest>), Refusal> {
    let BodyDraft { content, options, labels, accepted_at, .. } = draft;
    let (content, options) = (content?, options?);
    let said = once::said(&content, &options);
    let options = options.fix(routes.default_ttl, accepted_at);
    Ok((Body { app, content, options, accepted_at, labels }, said))
}
