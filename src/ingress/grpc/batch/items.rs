//! The items of a batch: numbered in the order written, decoded one by one, multicasts expanded as they are
//! asked for.

use std::sync::Arc;
use std::time::SystemTime;

use super::super::Core;
use super::super::decode;
use crate::dispatch::{Encoded, Route};
use crate::proto;
use crate::push::{Body, Push, PushId, Reason, Refusal};

/// The most addressees of a multicast.
pub(crate) const MAX_ADDRESSEES: usize = 1000;

/// One item that can be sent.
pub(super) struct Item {
    pub(super) index: u64,
    pub(super) push: Push,
    pub(super) route: Arc<Route>,
    pub(super) encoded: Option<Arc<Encoded>>,
}

/// One item that cannot be sent.
pub(super) struct Refused {
    pub(super) index: u64,
    pub(super) id: String,
    pub(super) refusal: Refusal,
}

/// The items of one message, and the number of the next.
pub(super) struct Items {
    next: u64,
    default_app: String,
    accepted_at: SystemTime,
    pushes: std::vec::IntoIter<proto::Push>,
    multicasts: std::vec::IntoIter<proto::Multicast>,
    group: Option<Group>,
}

/// What the addressees of one multicast share: decoded once, encoded once.
struct Group {
    shared: Result<(Arc<Body>, Arc<Encoded>), Refusal>,
    addressees: std::vec::IntoIter<proto::Addressee>,
}

impl Items {
    pub(super) fn new() -> Self {
        Self {
            next: 0,
            default_app: String::new(),
            accepted_at: SystemTime::UNIX_EPOCH,
            pushes: Vec::new().into_iter(),
            multicasts: Vec::new().into_iter(),
            group: None,
        }
    }

    pub(super) fn set_default_app(&mut self, app: String) {
        self.default_app = app;
    }

    /// Takes a message in and returns how many items it has. The message before must be used up.
    pub(super) fn read(&mut self, mut message: proto::SendBatchRequest, now: SystemTime) -> u64 {
        debug_assert!(self.is_empty(), "a message is read when the one before is used up");
        // They have no items.
        message.multicasts.retain(|multicast| !multicast.addressees.is_empty());
        let addressees: usize = message.multicasts.iter().map(|multicast| multicast.addressees.len()).sum();
        let count = message.pushes.len() + addressees;
        self.accepted_at = now;
        self.pushes = message.pushes.into_iter();
        self.multicasts = message.multicasts.into_iter();
        count as u64
    }

    /// Whether the message is used up.
    pub(super) fn is_empty(&self) -> bool {
        let group = self.group.as_ref().is_none_or(|group| group.addressees.as_slice().is_empty());
        self.pushes.as_slice().is_empty() && group && self.multicasts.as_slice().is_empty()
    }

    /// The next item, or why it cannot be sent.
    pub(super) fn next(&mut self, core: &Core) -> Option<Result<Item, Refused>> {
        if let Some(push) = self.pushes.next() {
            let index = self.number();
            let id = push.id.clone();
            let item = self.single(core, index, push);
            return Some(item.map_err(|refusal| Refused { index, id, refusal }));
        }
        loop {
            if let Some(group) = &mut self.group
                && let Some(addressee) = group.addressees.next()
            {
                let id = addressee.id.clone();
                let item = group.item(core, addressee);
                let index = self.number();
                return Some(match item {
                    Ok((push, route, encoded)) => Ok(Item { index, push, route, encoded: Some(encoded) }),
                    Err(refusal) => Err(Refused { index, id, refusal }),
                });
            }
            let multicast = self.multicasts.next()?;
            self.group = Some(Group::new(core, multicast, &self.default_app, self.accepted_at));
        }
    }

    /// The next item's number and id: for a stream that starts nothing more.
    pub(super) fn skip(&mut self) -> Option<(u64, String)> {
        let id = match (self.pushes.next(), &mut self.group) {
            (Some(push), _) => push.id,
            (None, group) => loop {
                if let Some(addressee) = group.as_mut().and_then(|group| group.addressees.next()) {
                    break addressee.id;
                }
                let addressees = self.multicasts.next()?.addressees.into_iter();
                *group = Some(Group { shared: Err(decode::content_required()), addressees });
            },
        };
        Some((self.number(), id))
    }

    fn number(&mut self) -> u64 {
        let index = self.next;
        self.next += 1;
        index
    }

    fn single(&self, core: &Core, index: u64, mut push: proto::Push) -> Result<Item, Refusal> {
        if push.app.is_empty() {
            push.app.clone_from(&self.default_app);
        }
        let (push, route) = core.decode(push, self.accepted_at)?;
        Ok(Item { index, push, route: Arc::clone(route), encoded: None })
    }
}

impl Group {
    fn new(core: &Core, multicast: proto::Multicast, default_app: &str, accepted_at: SystemTime) -> Self {
        let proto::Multicast { app, content, options, addressees } = multicast;
        let shared = || {
            if addressees.len() > MAX_ADDRESSEES {
                let found = addressees.len();
                let detail =
                    format!("expected at most {MAX_ADDRESSEES} addressees in a multicast, found {found}");
                return Err(Refusal::field("addressees", Reason::FieldTooLarge, detail));
            }
            let app = decode::app(if app.is_empty() { default_app } else { &app })?;
            let routes = core.routes.app(&app)?;
            let content = decode::content(content)?;
            let options = decode::options(options, routes.default_ttl, accepted_at)?;
            Ok((Arc::new(Body { app, content, options, accepted_at }), Arc::default()))
        };
        Self { shared: shared(), addressees: addressees.into_iter() }
    }

    fn item(
        &self,
        core: &Core,
        addressee: proto::Addressee,
    ) -> Result<(Push, Arc<Route>, Arc<Encoded>), Refusal> {
        let (body, encoded) = self.shared.as_ref().map_err(Clone::clone)?;
        let id: PushId = decode::id(addressee.id)?;
        let target = decode::target(addressee.target)?;
        let route = core.routes.app(&body.app)?.to(target.provider(), &body.app)?;
        Ok((Push { id, target, body: Arc::clone(body) }, Arc::clone(route), Arc::clone(encoded)))
    }
}
