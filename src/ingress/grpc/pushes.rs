//! SendPushes: up to a thousand pushes in one call, whose verdicts come in the order written.

use std::sync::Arc;

use fanfare_upstream::{ServiceClass, coarse_now};
use tonic::{Request, Status};

use super::incoming::share;
use super::{authenticate, timeout, traced};
use crate::desk::{Desk, Draft};
use crate::ingress::contract::{self, CallFault, Items, MAX_ITEMS};
use crate::proto;

/// Hands in the items of a call and waits for the last verdict.
pub(super) async fn send(
    desk: &Arc<Desk>,
    request: Request<proto::UnreadPushes>,
) -> Result<Vec<proto::PushResult>, Status> {
    let (metadata, extensions, proto::UnreadPushes { message, items: unread }) = request.into_parts();
    let caller = authenticate::caller(&extensions)?;
    let arrival = timeout::arrival(&metadata, &extensions);
    let proto::SendPushesRequest { app, service_class, .. } = message;
    let class = contract::service_class("service_class", service_class)
        .map_err(CallFault::Bad)?
        .unwrap_or(ServiceClass::Bulk);
    let count = unread.len();
    if count == 0 || count > MAX_ITEMS {
        return Err(CallFault::Bad(contract::items_expected(MAX_ITEMS, count)).into());
    }
    let mut items = Items::new(share(&extensions));
    items.set_default_app(app);
    items.read(unread, coarse_now());
    let call = traced::span(&extensions);
    let drafts = std::iter::from_fn(|| Some(Draft { parent: call.clone(), ..items.next(desk, caller)? }));
    let settled = desk.submit_all(caller, drafts, class, arrival).await.map_err(CallFault::NoRoom)?;
    Ok(settled.into_iter().map(contract::settled).collect())
}
