//! The front desk knows who asks, and whether they may. Every ingress hands in drafts here and gets results back.
//!
//! A draft is a push as an ingress decoded it, in plain values. The desk finds its app and its route, admits it, sends
//! it by the dispatcher, and gives its result back. What is wrong with a push is always its result; only what concerns
//! a whole call, such as a full gateway, is an error that an ingress translates. The desk knows no protocol.
//!
//! - [`Desk::submit`] takes one push, `Desk::submit_all` the pushes of one call.
//! - [`Desk::open`] opens a [`Batch`]: a window for pushes that go on and on.
//! - `Desk::multicast` makes the drafts of many pushes that share one body.

mod admission;
mod arrival;
mod batch;
mod check;
mod draft;
mod lookup;
mod multicast;
mod once;
mod opening;
mod refused;
mod settled;
mod shared_body;
mod started;
mod submit;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use fanfare_upstream::{Flow, Party, ServiceClass};

pub use crate::caller::Caller;
pub(crate) use admission::NO_ROOM_WAIT;
pub use admission::{Admission, NoRoom, Unadmitted};
pub use arrival::Arrival;
pub(crate) use batch::BatchCounts;
pub use batch::{Batch, BatchEvent, BatchSettings, TurnedAway};
pub use draft::{BodyDraft, Draft, DraftBody, OptionsDraft};
pub(crate) use multicast::{Addressee, Multicast};
pub use once::OnceSettings;
pub use settled::Settled;

pub use crate::dispatch::TargetDraft;
pub(crate) use crate::dispatch::Window;
use crate::dispatch::{DispatchSettings, Dispatcher, RouteLook, Routes};
use crate::metrics::PushMetrics;
use crate::status::BatchesStatus;
use once::OnceWindow;

/// Limits of the desk.
#[derive(Debug, Clone)]
pub struct DeskSettings {
    /// How long the gateway works on a single push that names no `max_wait`.
    pub max_wait: Duration,
    /// How long before a caller stops waiting it gets its verdict. What its bytes take on their way comes on top.
    pub deadline_margin: Duration,
    /// Limits of batches.
    pub batch: BatchSettings,
    /// Limits of the window of pushes that are not to be sent twice.
    pub once: OnceSettings,
}

/// The front desk.
pub struct Desk {
    settings: ArcSwap<DeskSettings>,
    routes: ArcSwap<Routes>,
    admission: Arc<Admission>,
    dispatcher: Dispatcher,
    metrics: PushMetrics,
    once: OnceWindow,
}

impl Desk {
    /// A desk that admits pushes by `admission`, finds their routes in `routes` and sends them by `dispatcher`.
    #[must_use]
    pub fn new(
        settings: DeskSettings,
        routes: Routes,
        admission: Arc<Admission>,
        dispatcher: Dispatcher,
        metrics: PushMetrics,
    ) -> Self {
        let once = OnceWindow::new(settings.once, metrics.once().clone());
        let (settings, routes) = (ArcSwap::from_pointee(settings), ArcSwap::from_pointee(routes));
        Self { settings, routes, admission, dispatcher, metrics, once }
    }

    /// Gives the pushes that come from now on other routes. A push that was taken already keeps its own.
    pub fn swap_routes(&self, routes: Routes) {
        self.routes.store(Arc::new(routes));
    }

    /// Has these limits from now on. A batch that is open keeps its window. The time that a reader may stall stays, since the
    /// connections of an ingress measure by it too.
    pub(crate) fn change(&self, mut settings: DeskSettings, dispatch: DispatchSettings) {
        settings.batch.reader_stall_timeout = self.settings.load().batch.reader_stall_timeout;
        self.once.change(settings.once);
        self.dispatcher.change(dispatch);
        self.settings.store(Arc::new(settings));
    }

    /// How every app is on each of its providers.
    pub(crate) fn look(&self) -> Vec<RouteLook> {
        self.routes.load().look()
    }

    /// How full the windows of the open batches are.
    pub(crate) fn batches(&self) -> BatchesStatus {
        self.metrics.batches().look()
    }

    /// Counts a call that is turned away, by the desk or by its ingress.
    pub(crate) fn turned_away(&self, why: NoRoom) {
        self.metrics.refused(why.reason().name());
    }
}

/// Tells calls apart that have many items, so that streams are granted to them in turn.
fn flow_of_call(class: ServiceClass, caller: &Caller) -> Flow {
    // Flow 0 is that of all single pushes.
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Flow { id: NEXT.fetch_add(1, Ordering::Relaxed), ..flow_of(class, caller) }
}

/// The flow of single pushes of a caller.
fn flow_of(class: ServiceClass, caller: &Caller) -> Flow {
    Flow { class, parties: [caller.party(), Party::NOBODY], ..Flow::SINGLE }
}
