//! When, and how often: the way of one admitted push to its verdict.
//!
//! `Push::send` is the one match over providers; behind it everything is generic. [`Dispatcher::send`] encodes and
//! addresses a push, and then makes attempts: each acquires what it needs, exchanges one request for an answer, and is
//! learned from in one place.

mod acquire;
mod ask;
mod attempts;
mod blame;
mod breaker;
mod deliver;
mod dry_run;
mod guard;
mod kinds;
mod learn;
mod look;
mod note;
mod pacing;
mod peers;
mod providers;
mod refusals;
mod request;
mod room;
mod route;
mod routes;
mod send;
mod standings;
mod subscriptions;
mod suspicion;
mod trail;
mod turns;
mod window;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

pub use ask::{Ask, Terms};
pub(crate) use breaker::RouteBreaker;
pub use guard::{Guard, Unsendable};
pub(crate) use look::RouteLook;
pub use peers::{ApnsPeers, TargetPeers};
pub(crate) use providers::Encoded;
pub(crate) use providers::PROVIDERS;
pub(crate) use providers::Push;
pub use providers::TargetDraft;
pub use providers::{AppRoutes, Destination};
pub use room::Room;
pub use route::Route;
pub(crate) use route::RouteParts;
pub use routes::Routes;
pub(crate) use standings::{ApnsStandings, FcmStandings};
pub use subscriptions::Subscriptions;
pub(crate) use trail::Trail;
pub(crate) use window::{Seat, Window};

pub(crate) use suspicion::RunMode;
use turns::Turns;

/// Limits of dispatch.
#[derive(Debug, Clone)]
pub struct DispatchSettings {
    /// How often one push is handed to its push service, where the answers allow another attempt.
    pub max_attempts: u32,
}

impl Default for DispatchSettings {
    fn default() -> Self {
        Self { max_attempts: 4 }
    }
}

/// Sends admitted pushes.
#[derive(Debug)]
pub struct Dispatcher {
    settings: ArcSwap<DispatchSettings>,
    draining: CancellationToken,
    /// Bounds how many pushes are encrypted at once.
    turns: Turns,
}

impl Dispatcher {
    /// A dispatcher whose waits between attempts `draining` ends. It is made in the runtime that pushes are sent in,
    /// whose workers it counts.
    #[must_use]
    pub fn new(settings: DispatchSettings, draining: CancellationToken) -> Self {
        Self { settings: ArcSwap::from_pointee(settings), draining, turns: Turns::of_runtime() }
    }

    /// Has these limits from now on.
    pub(crate) fn change(&self, settings: DispatchSettings) {
        self.settings.store(Arc::new(settings));
    }

    /// It is cancelled when the gateway drains.
    #[must_use]
    pub(crate) fn draining(&self) -> &CancellationToken {
        &self.draining
    }
}
