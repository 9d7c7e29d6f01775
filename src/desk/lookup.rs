//! Finds the app of a draft, finds its route, and pairs the route with the target. Every look-up of a push is made
//! here, and the look-up of an app names its caller, so permissions have one place.

use super::caller::Caller;
use crate::dispatch::{AppRoutes, Destination, Routes, TargetDraft, Unsendable};
use crate::push::{AppId, Refusal};

/// The routes of an app for this caller.
pub(super) fn app<'a>(routes: &'a Routes, caller: &Caller, app: &AppId) -> Result<&'a AppRoutes, Refusal> {
    match caller {
        // Callers are not authenticated yet, so each may send for every app.
        Caller::Anonymous => routes.app(app),
    }
}

/// Pairs the target of a push with the route to it.
pub(super) fn destination(
    routes: &AppRoutes,
    app: &AppId,
    target: Result<TargetDraft, Refusal>,
) -> Result<Destination, Unsendable> {
    routes.destination(app, target?)
}
