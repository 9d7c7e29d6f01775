//! The items of a call or stream: numbered in the order written, decoded one by one, multicasts expanded as they
//! are asked for.

use std::sync::Arc;
use std::time::SystemTime;

use super::Core;
use super::admit::destination;
use super::decode;
use super::refused::{Refused, echo};
use crate::dispatch::{Encoded, Push, Unsendable};
use crate::proto;
use crate::push::{Body, Labels, Reason, Refusal};

/// The most addressees of a multicast.
pub(crate) const MAX_ADDRESSEES: usize = 1000;

/// One item that can be sent.
pub(super) struct Item {
    pub(super) index: u64,
    pub(super) push: Push,
    pub(super) encoded: Option<Arc<Encoded>>,
}

/// An item whose number is known: one that can be sent, or its result.
pub(super) type Decoded = Result<Item, (u64, Box<Refused>)>;

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
    shared: Result<(Arc<Body>, Arc<Encoded>), (Refusal, Labels)>,
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

    /// Takes the items of a message in and returns how many there are. The message before must be used up.
    pub(super) fn read(
        &mut self,
        pushes: Vec<proto::Push>,
        mut multicasts: Vec<proto::Multicast>,
        now: SystemTime,
    ) -> u64 {
        debug_assert!(self.is_empty(), "a message is read when the one before is used up");
        // They have no items.
        multicasts.retain(|multicast| !multicast.addressees.is_empty());
        let addressees: usize = multicasts.iter().map(|multicast| multicast.addressees.len()).sum();
        let count = pushes.len() + addressees;
        self.accepted_at = now;
        self.pushes = pushes.into_iter();
        self.multicasts = multicasts.into_iter();
        count as u64
    }

    /// Whether the message is used up.
    pub(super) fn is_empty(&self) -> bool {
        let group = self.group.as_ref().is_none_or(|group| group.addressees.as_slice().is_empty());
        self.pushes.as_slice().is_empty() && group && self.multicasts.as_slice().is_empty()
    }

    /// The next item, or its result where it cannot be sent.
    pub(super) fn next(&mut self, core: &Core) -> Option<Decoded> {
        if let Some(mut push) = self.pushes.next() {
            let index = self.number();
            if push.app.is_empty() {
                push.app.clone_from(&self.default_app);
            }
            let decoded = core.decode(push, self.accepted_at);
            let item = decoded.map(|push| Item { index, push, encoded: None });
            return Some(item.map_err(|refused| (index, refused)));
        }
        loop {
            if let Some(group) = &mut self.group
                && let Some(addressee) = group.addressees.next()
            {
                let decoded = group.item(core, addressee);
                let index = self.number();
                return Some(match decoded {
                    Ok((push, encoded)) => Ok(Item { index, push, encoded: Some(encoded) }),
                    Err(refused) => Err((index, refused)),
                });
            }
            let multicast = self.multicasts.next()?;
            self.group = Some(Group::new(core, multicast, &self.default_app, self.accepted_at));
        }
    }

    /// The number, id and labels of the next item: for a stream that starts nothing more.
    pub(super) fn skip(&mut self, core: &Core) -> Option<(u64, String, Labels)> {
        if let Some(proto::Push { id, labels, .. }) = self.pushes.next() {
            let labels = decode::labels(labels).unwrap_or_default();
            return Some((self.number(), echo(id), labels));
        }
        loop {
            if let Some(group) = &mut self.group
                && let Some(addressee) = group.addressees.next()
            {
                let labels = group.labels();
                return Some((self.number(), echo(addressee.id), labels));
            }
            let multicast = self.multicasts.next()?;
            self.group = Some(Group::new(core, multicast, &self.default_app, self.accepted_at));
        }
    }

    fn number(&mut self) -> u64 {
        let index = self.next;
        self.next += 1;
        index
    }
}

impl Group {
    fn new(core: &Core, multicast: proto::Multicast, default_app: &str, accepted_at: SystemTime) -> Self {
        let proto::Multicast { app, content, options, addressees, labels } = multicast;
        let found = addressees.len();
        let shared = decode::labels(labels).map_err(|refusal| (refusal, Labels::new())).and_then(|labels| {
            if found > MAX_ADDRESSEES {
                let detail =
                    format!("expected at most {MAX_ADDRESSEES} addressees in a multicast, found {found}");
                return Err((Refusal::field("addressees", Reason::FieldTooLarge, detail), labels));
            }
            let app = if app.is_empty() { default_app } else { &app };
            match core.shared_body(app, content, options, accepted_at) {
                Ok(body) => Ok((Arc::new(Body { labels, ..body }), Arc::default())),
                Err(refusal) => Err((refusal, labels)),
            }
        });
        Self { shared, addressees: addressees.into_iter() }
    }

    fn labels(&self) -> Labels {
        match &self.shared {
            Ok((body, _)) => body.labels.clone(),
            Err((_, labels)) => labels.clone(),
        }
    }

    fn item(&self, core: &Core, addressee: proto::Addressee) -> Result<(Push, Arc<Encoded>), Box<Refused>> {
        let proto::Addressee { id, target } = addressee;
        let (body, encoded) = match &self.shared {
            Ok(shared) => shared,
            Err((refusal, labels)) => {
                return Err(Refused::new(echo(id), labels.clone(), refusal.clone()));
            }
        };
        let id =
            decode::id(id).map_err(|(id, refusal)| Refused::new(echo(id), body.labels.clone(), refusal))?;
        let routes = core.routes.app(&body.app).map_err(Unsendable::from);
        match routes.and_then(|routes| destination(routes, &body.app, target)) {
            Ok(destination) => {
                let push = Push { id, destination, body: Arc::clone(body) };
                Ok((push, Arc::clone(encoded)))
            }
            Err(why) => Err(Refused::new(id.into_string(), body.labels.clone(), why)),
        }
    }
}
