//! The messages of a stream: how much one holds, and how it is said.

use std::collections::VecDeque;
use std::time::Duration;

use super::item::{Item, What};
use super::pace::Pace;
use super::worker::Run;
use crate::proto::{self, SendBatchRequest};

/// A message is full with this many pushes, addressees of a multicast, or bytes of lines.
const MESSAGE_PUSHES: usize = 100;
const MESSAGE_ADDRESSEES: usize = 1000;
const MESSAGE_BYTES: usize = 256 * 1024;

/// Takes the items of the next message: one kind, as many as fit, as have room and as the pace allows.
///
/// # Errors
/// How long to wait, where the pace allows none yet.
pub(super) fn take(
    queue: &mut VecDeque<Item>,
    room: usize,
    pace: Option<&Pace>,
) -> Result<Vec<Item>, Duration> {
    let most = match queue.front().map(|item| &item.what) {
        None => return Ok(Vec::new()),
        Some(What::Push(_)) => MESSAGE_PUSHES,
        Some(What::Target(_)) => MESSAGE_ADDRESSEES,
    };
    let count = most.min(queue.len()).min(room);
    let count = pace.map_or(Ok(count), |pace| pace.take(count))?;
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

/// The message that holds these items. They stay with the stream, for a gateway that goes without reading it.
pub(super) fn of(run: &Run, is_first: bool, items: &[Item]) -> SendBatchRequest {
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
        match &item.what {
            What::Push(push) => request.pushes.push(push.as_ref().clone()),
            What::Target(target) => addressees
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
