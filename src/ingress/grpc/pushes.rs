//! SendPushes: up to a thousand pushes in one call, their verdicts in the order written.

use std::sync::Arc;
use std::time::SystemTime;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;
use tonic::{Request, Status};

use super::items::{Item, Items};
use super::refused::Refused;
use super::started::Started;
use super::{Core, deadline, decode, encode, flow_of_call};
use crate::dispatch::NoRoom;
use crate::proto;
use crate::push::{Reason, ServiceClass};

/// The most items of a call.
const MAX_ITEMS: u64 = 1000;

/// Sends the items of a call and waits for the last verdict.
pub(super) async fn send(
    core: &Arc<Core>,
    request: Request<proto::SendPushesRequest>,
) -> Result<Vec<proto::PushResult>, Status> {
    let begun = Instant::now();
    let (metadata, _, message) = request.into_parts();
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

    let flow = flow_of_call(class);
    let (mut results, mut in_flight) = (Vec::new(), FuturesUnordered::new());
    // Why there was no room, for the first that found none.
    let mut full = None;
    while let Some(item) = items.next(core) {
        let item = match item {
            Ok(item) => item,
            Err((index, refused)) => {
                core.metrics.refused(refused.reason_name());
                results.push(refused.encode(index));
                continue;
            }
        };
        match core.admission.admit(class) {
            Ok(room) => {
                let max_wait = item.push.body.options.max_wait.unwrap_or(core.max_wait);
                let deadline = deadline::single(begun, max_wait, &metadata);
                let started = Started { item, room, flow, begun, deadline };
                // Nothing runs before the first poll, so that all of them are admitted before one is sent.
                in_flight.push(started.send(Arc::clone(core)));
            }
            Err(why) => {
                full.get_or_insert(why);
                let (index, refused) = turned_away(item, why);
                core.metrics.refused(refused.reason_name());
                results.push(refused.encode(index));
            }
        }
    }
    if let Some(why) = full.filter(|_| in_flight.is_empty()) {
        return Err(encode::no_room(why));
    }
    while let Some(settled) = in_flight.next().await {
        let (result, _room) = settled.encode();
        results.push(result);
    }
    results.sort_unstable_by_key(|result| result.index);
    Ok(results)
}

fn turned_away(item: Item, why: NoRoom) -> (u64, Refused) {
    let Item { index, push, .. } = item;
    let (reason, detail) = match why {
        NoRoom::Full => {
            (Reason::Overloaded, "the gateway has room for a part of the call (limits.max_in_flight)")
        }
        NoRoom::Draining => (Reason::Draining, "the gateway is shutting down"),
    };
    let labels = push.body.labels.clone();
    (index, Refused::not_attempted(push.id.into_string(), labels, reason, detail))
}
