//! A look at the pool of a peer, which changes nothing.

use std::time::Instant;

use super::Core;
use super::core_look::CoreLook;

impl<H: Clone, W, E: Clone> Core<H, W, E> {
    pub(crate) fn look(&self, now: Instant) -> CoreLook<E> {
        let connections = self.connections.iter();
        CoreLook {
            connecting: self.growth.opening,
            connections: connections.map(|it| (it.phase, it.used, it.limit)).collect(),
            waiting: self.waiters.len(),
            failure: self.health.why(),
            ill: self.health.ill(now),
        }
    }
}
