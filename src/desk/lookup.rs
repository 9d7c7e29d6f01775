//! Finds the app of a draft, finds its route, and pairs the route with the target. Every look-up of a push is made here
//! and names its caller, so permissions have one place.

use std::sync::Arc;

use super::caller::Caller;
use super::draft::TargetDraft;
use crate::dispatch::{AppRoutes, Route, Routes};
use crate::push::{AppId, Refusal, Target};

/// Why a push cannot be sent. Its route is known where the fault is in its target, or in what is opened after it.
pub(super) struct Unroutable<'a> {
    pub(super) refusal: Refusal,
    pub(super) route: Option<&'a Route>,
}

impl From<Refusal> for Unroutable<'_> {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, route: None }
    }
}

/// The routes of an app for this caller.
pub(super) fn app<'a>(routes: &'a Routes, caller: &Caller, app: &AppId) -> Result<&'a AppRoutes, Refusal> {
    match caller {
        // Callers are not authenticated yet, so each may send for every app.
        Caller::Anonymous => routes.app(app),
    }
}

/// Pairs the target of a push with the route to it. The route is found before the target is looked into: the route's
/// guard must see each malformed device address, to tell whether it is one of many; and a malformed address is nothing
/// to delete where the app does not have its provider at all.
pub(super) fn pair<'a>(
    routes: &'a AppRoutes,
    app: &AppId,
    target: Result<TargetDraft, Refusal>,
) -> Result<(Target, &'a Arc<Route>), Unroutable<'a>> {
    let TargetDraft { provider, target } = target?;
    let route = routes.to(provider, app)?;
    let target = target.map_err(|refusal| Unroutable { refusal, route: Some(route) })?;
    Ok((target, route))
}
