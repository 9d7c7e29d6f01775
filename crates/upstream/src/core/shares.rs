//! Who of those that wait is served next. A class has parties, these have parties of their own, and the last of them have
//! flows. Those of one group take turns, in which each is given as many streams as its weight says.

use rustc_hash::FxHashMap;
use slotmap::{Key, SlotMap};

use super::ring::{Member, Place, Ring};
use crate::flow::{Flow, ServiceClass};

slotmap::new_key_type! {
    /// Names a class, a party or a flow of which somebody waits.
    pub(super) struct GroupId;
}

/// A class, a party or a flow.
#[derive(Debug, Default)]
struct Group<Q> {
    /// The group that it is a member of. A class is a member of none.
    within: GroupId,
    /// Its number in that group.
    id: u64,
    place: Place<GroupId>,
    weight: u8,
    /// How many streams it has been given in this turn.
    given: u8,
    /// How many wait in it.
    waiting: usize,
    /// Its own members. A flow has none.
    members: Ring<GroupId>,
    /// The weights of its members together.
    weights: usize,
    /// Those of a flow that wait, as whoever uses this keeps them.
    queue: Q,
}

impl<Q> Member<GroupId> for Group<Q> {
    fn place(&mut self) -> &mut Place<GroupId> {
        &mut self.place
    }
}

/// The groups of which somebody waits, and the two classes.
#[derive(Debug)]
pub(super) struct Shares<Q> {
    groups: SlotMap<GroupId, Group<Q>>,
    /// The members of groups by their numbers, which nobody outside chooses.
    members: FxHashMap<(GroupId, u64), GroupId>,
    interactive: GroupId,
    bulk: GroupId,
}

impl<Q: Default> Default for Shares<Q> {
    fn default() -> Self {
        let mut groups = SlotMap::with_key();
        let [interactive, bulk] = [groups.insert(Group::default()), groups.insert(Group::default())];
        Self { groups, members: FxHashMap::default(), interactive, bulk }
    }
}

impl<Q: Default> Shares<Q> {
    /// How many of a class wait.
    pub(super) fn waiting(&self, class: ServiceClass) -> usize {
        self.groups.get(self.class(class)).map_or(0, |class| class.waiting)
    }

    /// Somebody of a flow waits.
    pub(super) fn join(&mut self, flow: Flow) -> GroupId {
        let mut group = self.class(flow.class);
        self.count_one(group);
        for (id, weight) in path(flow) {
            group = self.member(group, id, weight);
            self.count_one(group);
        }
        group
    }

    /// Somebody of a flow waits no more, and is no longer in its queue.
    pub(super) fn left(&mut self, flow: GroupId) {
        let mut id = flow;
        while let Some(group) = self.groups.get_mut(id) {
            group.waiting = group.waiting.saturating_sub(1);
            let (within, empty) = (group.within, group.waiting == 0);
            if empty && !within.is_null() {
                self.remove(id);
            }
            id = within;
        }
    }

    /// The flow of a class whose turn it is.
    pub(super) fn next(&self, class: ServiceClass) -> GroupId {
        let mut id = self.class(class);
        while let Some(member) = self.groups.get(id).and_then(|group| group.members.first()) {
            id = member;
        }
        id
    }

    /// Whose turn it was has been given a stream.
    pub(super) fn served(&mut self, flow: GroupId) {
        let mut id = flow;
        while let Some(group) = self.groups.get_mut(id) {
            group.given = group.given.saturating_add(1);
            let within = group.within;
            if group.given >= group.weight {
                group.given = 0;
                self.with_members(within, |members, groups| members.turn(groups));
            }
            id = within;
        }
    }

    /// Those of a flow who wait.
    pub(super) fn queue(&mut self, flow: GroupId) -> Option<&mut Q> {
        self.groups.get_mut(flow).map(|group| &mut group.queue)
    }

    /// Those who wait, flow by flow.
    pub(super) fn queues(&self) -> impl Iterator<Item = &Q> {
        self.groups.values().map(|group| &group.queue)
    }

    /// About how many streams are granted until somebody has one who joins the flow now, since those of each group take
    /// turns: it waits for those before it, and for what the others are given meanwhile, but never for more than wait.
    pub(super) fn turns_until(&self, flow: Flow) -> usize {
        let mut id = self.class(flow.class);
        let levels = path(flow).map(|(number, weight)| {
            let within = self.groups.get(id);
            id = self.members.get(&(id, number)).copied().unwrap_or_default();
            (within, self.groups.get(id), usize::from(weight))
        });
        let mut turns = self.groups.get(id).map_or(0, |flow| flow.waiting) + 1;
        for (within, own, weight) in levels.into_iter().rev() {
            let (waiting, weights) = within.map_or((0, 0), |within| (within.waiting, within.weights));
            let weights = if own.is_some() { weights } else { weights + weight };
            turns = turns.saturating_mul(weights).div_ceil(weight).min(waiting + 1);
        }
        match flow.class {
            ServiceClass::Interactive => turns,
            ServiceClass::Bulk => turns + self.waiting(ServiceClass::Interactive),
        }
    }

    /// Of how many parties and flows somebody waits.
    #[cfg(test)]
    pub(super) fn groups(&self) -> usize {
        assert_eq!(self.groups.len(), self.members.len() + 2, "the classes are members of nothing");
        self.members.len()
    }

    fn class(&self, class: ServiceClass) -> GroupId {
        match class {
            ServiceClass::Interactive => self.interactive,
            ServiceClass::Bulk => self.bulk,
        }
    }

    fn count_one(&mut self, group: GroupId) {
        if let Some(group) = self.groups.get_mut(group) {
            group.waiting += 1;
        }
    }

    /// A member of a group, which has this weight from now on.
    fn member(&mut self, within: GroupId, id: u64, weight: u8) -> GroupId {
        let groups = &mut self.groups;
        let known = self.members.len();
        let member = *self
            .members
            .entry((within, id))
            .or_insert_with(|| groups.insert(Group { within, id, ..Group::default() }));
        let joins = self.members.len() > known;
        let former = self.groups.get_mut(member).map_or(0, |it| std::mem::replace(&mut it.weight, weight));
        if let Some(within) = self.groups.get_mut(within) {
            within.weights = within.weights + usize::from(weight) - usize::from(former);
        }
        if joins {
            self.with_members(within, |members, groups| members.push_last(member, groups));
        }
        member
    }

    fn remove(&mut self, id: GroupId) {
        let Some(within) = self.groups.get(id).map(|group| group.within) else { return };
        self.with_members(within, |members, groups| members.remove(id, groups));
        let Some(Group { id, weight, .. }) = self.groups.remove(id) else { return };
        self.members.remove(&(within, id));
        if let Some(within) = self.groups.get_mut(within) {
            within.weights -= usize::from(weight);
        }
    }

    fn with_members(
        &mut self,
        of: GroupId,
        change: impl FnOnce(&mut Ring<GroupId>, &mut SlotMap<GroupId, Group<Q>>),
    ) {
        let Some(mut members) = self.groups.get(of).map(|group| group.members) else { return };
        change(&mut members, &mut self.groups);
        if let Some(group) = self.groups.get_mut(of) {
            group.members = members;
        }
    }
}

/// The numbers and weights of a flow's groups, from the class down. The flows of a party take equal turns.
fn path(flow: Flow) -> [(u64, u8); 3] {
    let [first, second] = flow.parties.map(|party| (u64::from(party.id), party.weight.max(1)));
    [first, second, (flow.id, 1)]
}
