//! A ring of members that take turns. The links lie in the members, which a slot map holds, so a ring allocates nothing, and
//! a member joins it and leaves it in constant time, wherever it is.

use slotmap::{Key, SlotMap};

/// The place of a member in its ring.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place<K> {
    before: K,
    after: K,
}

/// What can have a place in a ring.
pub(super) trait Member<K> {
    fn place(&mut self) -> &mut Place<K>;
}

/// A ring. The last member is followed by the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring<K> {
    first: Option<K>,
}

impl<K> Default for Ring<K> {
    fn default() -> Self {
        Self { first: None }
    }
}

impl<K: Key> Ring<K> {
    /// The member whose turn it is.
    pub(super) fn first(&self) -> Option<K> {
        self.first
    }

    pub(super) fn push_last<M: Member<K>>(&mut self, key: K, members: &mut SlotMap<K, M>) {
        let first = *self.first.get_or_insert(key);
        let last = members.get_mut(first).map(|member| member.place().before).filter(|_| first != key);
        link(last.unwrap_or(key), key, members);
        link(key, first, members);
    }

    pub(super) fn push_first<M: Member<K>>(&mut self, key: K, members: &mut SlotMap<K, M>) {
        self.push_last(key, members);
        self.first = Some(key);
    }

    /// Takes a member out. If it was its turn, the turn is that of the next one.
    pub(super) fn remove<M: Member<K>>(&mut self, key: K, members: &mut SlotMap<K, M>) {
        let Some(Place { before, after }) = members.get_mut(key).map(|member| *member.place()) else {
            return;
        };
        link(before, after, members);
        if self.first == Some(key) {
            self.first = Some(after).filter(|after| *after != key);
        }
    }

    /// Ends the turn of the first member, which becomes the last.
    pub(super) fn turn<M: Member<K>>(&mut self, members: &mut SlotMap<K, M>) {
        self.first = self.first.and_then(|first| members.get_mut(first)).map(|member| member.place().after);
    }
}

fn link<K: Key, M: Member<K>>(before: K, after: K, members: &mut SlotMap<K, M>) {
    if let Some(member) = members.get_mut(before) {
        member.place().after = after;
    }
    if let Some(member) = members.get_mut(after) {
        member.place().before = before;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;
    use slotmap::DefaultKey;

    use super::*;

    impl Member<DefaultKey> for Place<DefaultKey> {
        fn place(&mut self) -> &mut Place<DefaultKey> {
            self
        }
    }

    proptest! {
        /// A ring does what a queue would do whose first entry goes to its end.
        #[test]
        fn a_ring_is_a_queue_that_turns(steps in prop::collection::vec((0..4_u8, 0..16_usize), 0..60)) {
            let (mut members, mut ring, mut model) = (SlotMap::new(), Ring::default(), VecDeque::new());
            for (step, which) in steps {
                match step {
                    0 => {
                        let key = members.insert(Place::default());
                        ring.push_last(key, &mut members);
                        model.push_back(key);
                    }
                    1 => {
                        let key = members.insert(Place::default());
                        ring.push_first(key, &mut members);
                        model.push_front(key);
                    }
                    2 => {
                        if let Some(key) = model.remove(which) {
                            ring.remove(key, &mut members);
                            members.remove(key);
                        }
                    }
                    _ => {
                        ring.turn(&mut members);
                        if !model.is_empty() {
                            model.rotate_left(1);
                        }
                    }
                }
                prop_assert_eq!(ring.first(), model.front().copied());
                for (at, key) in model.iter().enumerate() {
                    let place = members[*key];
                    prop_assert_eq!(place.after, model[(at + 1) % model.len()]);
                    prop_assert_eq!(place.before, model[(at + model.len() - 1) % model.len()]);
                }
            }
        }
    }
}
