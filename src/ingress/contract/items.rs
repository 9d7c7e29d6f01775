//! The items of a call or stream, in the order written. They are decoded one by one, as they are asked for.

use std::time::SystemTime;

use prost::DecodeError;

use super::{addressee, multicast, push, undecodable_push};
use crate::caller::Caller;
use crate::desk::{Addressee, Desk, Draft, Multicast};
use crate::held_bytes::BytesShare;
use crate::proto::{self, Item, UnreadAddressees, UnreadItems, UnreadMulticast, UnreadPush};

/// The addressees of a multicast, decoded as they are asked for.
type Addressees = std::iter::Map<UnreadAddressees, fn((proto::Addressee, Option<DecodeError>)) -> Addressee>;

/// The items of one message.
pub(in super::super) struct Items {
    default_app: String,
    accepted_at: SystemTime,
    /// What large items take while they are in flight is taken from here.
    share: BytesShare,
    unread: UnreadItems,
    /// What is left of the multicast that was begun.
    begun: Option<Multicast<Addressees>>,
}

impl Items {
    pub(in super::super) fn new(share: BytesShare) -> Self {
        Self {
            default_app: String::new(),
            accepted_at: SystemTime::UNIX_EPOCH,
            share,
            unread: UnreadItems::default(),
            begun: None,
        }
    }

    /// The app of items that name none.
    pub(in super::super) fn set_default_app(&mut self, app: String) {
        self.default_app = app;
    }

    /// Takes the items of a message in. The message before must be used up.
    pub(in super::super) fn read(&mut self, unread: UnreadItems, now: SystemTime) {
        debug_assert!(self.is_empty(), "a message is read when the one before is used up");
        self.accepted_at = now;
        self.unread = unread;
    }

    /// Whether the message is used up.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.unread.len() == 0 && self.begun.as_ref().map_or(0, ExactSizeIterator::len) == 0
    }

    /// The draft of the next item. With the last one, the bytes of the message are let go.
    pub(in super::super) fn next(&mut self, desk: &Desk, caller: &Caller) -> Option<Draft> {
        let draft = self.begun.as_mut().and_then(Iterator::next).or_else(|| self.begin(desk, caller));
        if self.is_empty() {
            (self.unread, self.begun) = (UnreadItems::default(), None);
        }
        draft
    }

    /// The next push, or the first addressee of the next multicast.
    fn begin(&mut self, desk: &Desk, caller: &Caller) -> Option<Draft> {
        match self.unread.next()? {
            Item::Push(UnreadPush { push, error: Some(error), .. }) => {
                Some(undecodable_push(push.id, &error))
            }
            Item::Push(UnreadPush { push, error: None, bytes }) => {
                let held = self.share.in_flight(bytes);
                Some(self::push(push, &self.default_app, self.accepted_at, held))
            }
            Item::Multicast(UnreadMulticast { multicast, error, bytes, addressees }) => {
                let held = self.share.in_flight(bytes);
                let body = self::multicast(multicast, error.as_ref(), &self.default_app, self.accepted_at);
                let addressees: Addressees = addressees.map(addressee);
                self.begun.insert(desk.multicast(caller, body, held, addressees)).next()
            }
        }
    }
}
