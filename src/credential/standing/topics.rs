//! The topics that a push service refused to a credential.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::door::Door;
use super::name::DoorName;
use crate::metrics::CredentialMetrics;

/// The most topics of one credential at one place that have a door. The refusals of others shut nothing.
const MAX_TOPICS: usize = 64;

/// The topics of one credential at one place that were refused once. There is no list as long as none was, so that a push
/// costs one look.
#[derive(Default)]
pub(super) struct TopicDoors(ArcSwapOption<Vec<(Box<str>, Arc<Door>)>>);

impl TopicDoors {
    /// Whether no topic was ever refused.
    pub(super) fn are_none(&self) -> bool {
        self.0.load().is_none()
    }

    pub(super) fn find(&self, topic: &str) -> Option<Arc<Door>> {
        let doors = self.0.load();
        let found = doors.as_ref()?.iter().find(|(known, _)| **known == *topic);
        found.map(|(_, door)| Arc::clone(door))
    }

    /// The door of a topic that was refused; none where there are too many.
    pub(super) fn find_or_add(
        &self,
        topic: &str,
        of: &DoorName,
        metrics: &CredentialMetrics,
    ) -> Option<Arc<Door>> {
        if let Some(known) = self.find(topic) {
            return Some(known);
        }
        let name = of.for_topic(topic);
        let made = Arc::new(Door::new(name, metrics.door(&of.label, &of.for_topic(topic).place)));
        self.0.rcu(|doors| {
            let mut doors = doors.as_deref().cloned().unwrap_or_default();
            if doors.len() < MAX_TOPICS && doors.iter().all(|(known, _)| **known != *topic) {
                doors.push((topic.into(), Arc::clone(&made)));
            }
            Some(Arc::new(doors))
        });
        self.find(topic)
    }

    pub(super) fn any_shut(&self) -> bool {
        self.0.load().as_ref().is_some_and(|doors| doors.iter().any(|(_, door)| door.is_shut()))
    }
}
