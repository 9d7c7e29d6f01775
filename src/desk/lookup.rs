//! Finds the app of a draft, finds its route, and pairs the route with the target. Every look-up of a push is made
//! here and names its caller, so permissions have one place. They are looked up for each push: a change holds for the
//! next item of batches that are open.

use fanfare_upstream::ServiceClass;

use crate::caller::{Caller, Denied};
use crate::dispatch::{AppRoutes, Destination, Routes, RunMode, TargetDraft, Unsendable};
use crate::push::{AppId, Audience, Outcome, PushId, Reason, Refusal};

/// The routes of an app for this caller. An app that the caller may not use and one that does not exist read the same,
/// so that a caller cannot find out which apps there are.
pub(super) fn app<'a>(routes: &'a Routes, caller: &Caller, app: &AppId) -> Result<&'a AppRoutes, Refusal> {
    let denied = match caller.may_push_for(app) {
        Ok(()) => match routes.app(app) {
            Err(_) if !caller.may_push_for_every_app() => Denied::App,
            found => return found,
        },
        Err(denied) => denied,
    };
    Err(refuse(caller, denied, app))
}

/// Pairs the target of a push with the route to it.
pub(super) fn destination(
    routes: &AppRoutes,
    caller: &Caller,
    (app, id): (&AppId, &PushId),
    class: ServiceClass,
    target: Result<TargetDraft, Refusal>,
    mode: RunMode,
) -> Result<Destination, Unsendable> {
    let target = target?;
    // A target that cannot be decoded reaches nobody; which provider it is for is known all the same.
    let audience = target.audience().unwrap_or(Audience::Device);
    if let Err(denied) = caller.may_push(class, target.provider(), audience) {
        return Err(refuse(caller, denied, app).into());
    }
    routes.destination((app, id), target, mode)
}

fn refuse(caller: &Caller, denied: Denied, app: &AppId) -> Refusal {
    caller.note(denied, app.as_str());
    Refusal {
        outcome: Outcome::NotAttempted,
        reason: Reason::NotPermitted,
        field: denied.field().into(),
        detail: denied.to_string(),
    }
}
