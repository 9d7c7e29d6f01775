//! Builds the messages of a stream: decides which items one holds, and encodes them.

use std::collections::VecDeque;
use std::time::Duration;

use super::item::{Item, ItemKind};
use super::rate::PushRate;
use super::run::BatchRun;
use crate::proto::{self, SendBatchRequest};

/// A message is full when it has so many pushes.
const MESSAGE_PUSHES: usize = 100;

/// A message is full when its multicast has so many addressees.
const MESSAGE_ADDRESSEES: usize = 1000;

/// A message is full when the lines of its items have so many bytes.
const MESSAGE_BYTES: usize = 256 * 1024;

/// Takes the items of the next message from the queue: all of one kind, and as many as fit, as may be in flight (`room`),
/// and as the rate allows.
///
/// # Errors
/// Returns how long to wait, if the rate allows none yet.
pub(super) fn take(
    queue: &mut VecDeque<Item>,
    room: usize,
    rate: Option<&PushRate>,
) -> Result<Vec<Item>, Duration> {
    let most = match queue.front().map(|item| &item.kind) {
        None => return Ok(Vec::new()),
        Some(ItemKind::Push(_)) => MESSAGE_PUSHES,
        Some(ItemKind::Target(_)) => MESSAGE_ADDRESSEES,
    };
    let count = most.min(queue.len()).min(room);
    let count = rate.map_or(Ok(count), |rate| rate.take(count))?;
    let (mut items, mut bytes) = (Vec::with_capacity(count), 0);
    while items.len() < count
        && bytes < MESSAGE_BYTES
        && let Some(item) = queue.pop_front()
    {
        bytes += item.bytes;
        items.push(item);
    }
    Ok(items)
}

/// Encodes a message with these items. The stream keeps the items themselves, in case the gateway goes away without having
/// read them.
pub(super) fn of(run: &BatchRun, is_first: bool, items: &[Item]) -> SendBatchRequest {
    let mut request = SendBatchRequest::default();
    if is_first {
        request.options = Some(proto::BatchOptions {
            app: run.app.clone(),
            service_class: run.service_class.into(),
            results: proto::ResultSelection::All.into(),
        });
    }
    let mut addressees = Vec::new();
    for item in items {
        match &item.kind {
            ItemKind::Push(push) => request.pushes.push(push.as_ref().clone()),
            ItemKind::Target(target) => addressees
                .push(proto::Addressee { id: item.id.clone(), target: Some(target.as_ref().clone()) }),
        }
    }
    if !addressees.is_empty() {
        request.multicasts.push(proto::Multicast {
            app: String::new(),
            content: Some(run.template.content.clone()),
            options: Some(run.template.options.clone()),
            addressees,
            labels: run.template.labels.clone(),
        });
    }
    request
}
