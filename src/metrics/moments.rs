//! Gauges that tell a moment, such as when a token ends. One is shown for as long as somebody has it: a moment that nobody sets
//! any more grows old, and would alarm for nothing.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// A moment, as seconds since the Unix epoch.
pub(super) type Moment = Gauge<f64, AtomicU64>;

/// Moments, by their labels.
#[derive(Debug)]
pub(super) struct Moments<L> {
    shown: Family<L, Moment>,
    /// How many have each.
    holders: Arc<Mutex<HashMap<L, usize>>>,
}

impl<L: Clone + Hash + Eq> Clone for Moments<L> {
    fn clone(&self) -> Self {
        Self { shown: self.shown.clone(), holders: Arc::clone(&self.holders) }
    }
}

impl<L: Clone + Hash + Eq> Default for Moments<L> {
    fn default() -> Self {
        Self { shown: Family::default(), holders: Arc::default() }
    }
}

impl<L: Clone + Hash + Eq + EncodeLabelSet + Debug + Send + Sync + 'static> Moments<L> {
    pub(super) fn register(&self, registry: &mut Registry, name: &str, help: &str) {
        registry.register_with_unit(name, help, Unit::Seconds, self.shown.clone());
    }

    /// The one with these labels, until what is returned is dropped and nobody else has it.
    pub(super) fn hold(&self, labels: L) -> HeldMoment<L> {
        *self.holders().entry(labels.clone()).or_default() += 1;
        HeldMoment { moment: self.shown.get_or_create_owned(&labels), of: self.clone(), labels }
    }
}

impl<L: Clone + Hash + Eq> Moments<L> {
    fn holders(&self) -> MutexGuard<'_, HashMap<L, usize>> {
        // Nothing below the lock is changed in more than one step, so a poisoned lock harms nothing.
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A moment that somebody has.
#[derive(Debug)]
pub(super) struct HeldMoment<L: Clone + Hash + Eq> {
    moment: Moment,
    of: Moments<L>,
    labels: L,
}

impl<L: Clone + Hash + Eq> HeldMoment<L> {
    pub(super) fn set(&self, moment: SystemTime) {
        self.moment.set(since_epoch(moment));
    }
}

impl<L: Clone + Hash + Eq> Drop for HeldMoment<L> {
    fn drop(&mut self) {
        let mut holders = self.of.holders();
        let Some(count) = holders.get_mut(&self.labels) else { return };
        *count -= 1;
        if *count == 0 {
            holders.remove(&self.labels);
            self.of.shown.remove(&self.labels);
        }
    }
}

pub(super) fn since_epoch(moment: SystemTime) -> f64 {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_as_long_as_somebody_has_it() {
        let moments = Moments::<Vec<(&str, &str)>>::default();
        let shown = || moments.shown.get(&vec![("of", "it")]).map(|it| it.get());
        let hold = || moments.hold(vec![("of", "it")]);
        let (former, newer) = (hold(), hold());
        newer.set(UNIX_EPOCH + std::time::Duration::from_secs(7));
        drop(former);
        assert_eq!(shown(), Some(7.0));
        drop(newer);
        assert_eq!(shown(), None);
        let _again = hold();
        assert_eq!(shown(), Some(0.0));
    }
}
