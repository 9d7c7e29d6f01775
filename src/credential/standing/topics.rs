//! The topics that a push service refused to a credential.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use super::look::StandingLook;
use super::name::StandingName;
use super::shared::SharedStanding;
use crate::metrics::CredentialMetrics;

/// The most topics of one credential at one place that have a standing. The refusals of others shut nothing.
const MAX_TOPICS: usize = 64;

/// The topics of one credential at one place that were refused once, with their standings.
#[derive(Default)]
pub(super) struct TopicStandings {
    /// Whether there is one. It saves a push the look at the list.
    any: AtomicBool,
    list: ArcSwap<Vec<(Box<str>, Arc<SharedStanding>)>>,
}

impl TopicStandings {
    /// Whether no topic was ever refused.
    pub(super) fn are_none(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    pub(super) fn find(&self, topic: &str) -> Option<Arc<SharedStanding>> {
        let list = self.list.load();
        let found = list.iter().find(|(known, _)| **known == *topic);
        found.map(|(_, standing)| Arc::clone(standing))
    }

    /// The standing of a topic that was refused; none where there are too many.
    pub(super) fn find_or_add(
        &self,
        topic: &str,
        of: &StandingName,
        metrics: &CredentialMetrics,
        turned: &Arc<Notify>,
    ) -> Option<Arc<SharedStanding>> {
        if let Some(known) = self.find(topic) {
            return Some(known);
        }
        if self.list.load().len() >= MAX_TOPICS {
            return None;
        }
        let name = of.for_topic(topic);
        let metrics = metrics.standing(&name.label, &name.place);
        let made = Arc::new(SharedStanding::new(name, metrics, Arc::clone(turned)));
        self.list.rcu(|list| {
            let mut list = Vec::clone(list);
            // Another thread may have added it meanwhile.
            if list.len() < MAX_TOPICS && list.iter().all(|(known, _)| **known != *topic) {
                list.push((topic.into(), Arc::clone(&made)));
            }
            list
        });
        self.any.store(true, Ordering::Release);
        self.find(topic)
    }

    pub(super) fn look(&self) -> Vec<StandingLook> {
        self.list.load().iter().map(|(_, standing)| standing.snapshot()).collect()
    }

    pub(super) fn any_shut(&self) -> bool {
        self.list.load().iter().any(|(_, standing)| standing.is_shut())
    }
}
