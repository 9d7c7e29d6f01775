//! SendPushes: up to a thousand pushes in one call, whose verdicts come in the order written.

use std::sync::Arc;
use std::time::SystemTime;

use fanfare_upstream::ServiceClass;
use tonic::{Request, Status};

use super::items::Items;
use super::{authenticate, decode, encode, timeout};
use crate::desk::Desk;
use crate::proto;

/// A call has at most so many items.
const MAX_ITEMS: u64 = 1000;

/// Hands in the items of a call and waits for the last verdict.
pub(super) async fn send(
    desk: &Arc<Desk>,
    request: Request<proto::SendPushesRequest>,
) -> Result<Vec<proto::PushResult>, Status> {
    let (metadata, extensions, message) = request.into_parts();
    let caller = authenticate::caller(&extensions)?;
    let arrival = timeout::arrival(&metadata);
    let proto::SendPushesRequest { app, service_class, pushes, multicasts } = message;
    let class = decode::service_class("service_class", service_class)
        .map_err(|refusal| encode::bad_call(&refusal))?
        .unwrap_or(ServiceClass::Bulk);
    let mut items = Items::new();
    items.set_default_app(app);
    let count = items.read(pushes, multicasts, SystemTime::now());
    if count == 0 || count > MAX_ITEMS {
        return Err(encode::bad_call(&decode::items_expected(MAX_ITEMS, count)));
    }
    let drafts = std::iter::from_fn(|| items.next(desk, caller));
    let settled = desk.submit_all(caller, drafts, class, arrival).await.map_err(encode::no_room)?;
    Ok(settled.into_iter().map(encode::settled).collect())
}
