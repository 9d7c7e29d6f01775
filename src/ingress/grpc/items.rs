//! The items of a call or stream, in the order written. They are decoded one by one, as they are asked for.

use std::time::SystemTime;

use super::decode;
use crate::caller::Caller;
use crate::desk::{Addressee, Desk, Draft, Multicast};
use crate::proto;

/// The addressees of a multicast, decoded as they are asked for.
type Addressees = std::iter::Map<std::vec::IntoIter<proto::Addressee>, fn(proto::Addressee) -> Addressee>;

/// The items of one message.
pub(super) struct Items {
    default_app: String,
    accepted_at: SystemTime,
    pushes: std::vec::IntoIter<proto::Push>,
    multicasts: std::vec::IntoIter<proto::Multicast>,
    /// What is left of the multicast that was begun.
    begun: Option<Multicast<Addressees>>,
}

impl Items {
    pub(super) fn new() -> Self {
        Self {
            default_app: String::new(),
            accepted_at: SystemTime::UNIX_EPOCH,
            pushes: Vec::new().into_iter(),
            multicasts: Vec::new().into_iter(),
            begun: None,
        }
    }

    /// The app of items that name none.
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
        // A multicast without addressees has no items, so whatever is wrong with it is no result.
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
        let begun = self.begun.as_ref().map_or(0, ExactSizeIterator::len);
        self.pushes.as_slice().is_empty() && begun == 0 && self.multicasts.as_slice().is_empty()
    }

    /// The draft of the next item.
    pub(super) fn next(&mut self, desk: &Desk, caller: &Caller) -> Option<Draft> {
        if let Some(push) = self.pushes.next() {
            return Some(decode::push(push, &self.default_app, self.accepted_at));
        }
        loop {
            if let Some(draft) = self.begun.as_mut().and_then(Iterator::next) {
                return Some(draft);
            }
            let (body, addressees) =
                decode::multicast(self.multicasts.next()?, &self.default_app, self.accepted_at);
            let addressees: Addressees = addressees.into_iter().map(decode::addressee);
            self.begun = Some(desk.multicast(caller, body, addressees));
        }
    }
}
