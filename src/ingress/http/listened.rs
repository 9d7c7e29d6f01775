//! A listener: what its connections share.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::parts::HttpParts;
use super::refused::Refused;
use super::route::{INGRESSES, Ingresses};
use super::settings::HttpSettings;
use super::source::Sources;
use crate::metrics::{HttpCalls, HttpMetrics};

/// A listener.
pub(crate) struct Http {
    pub(super) parts: HttpParts,
    pub(super) table: ArcSwap<Table>,
    pub(super) sources: Sources,
    calls: [HttpCalls; INGRESSES.len()],
}

/// What the configuration says of a listener, as it holds now. A call keeps what it came with.
pub(super) struct Table {
    pub(super) settings: HttpSettings,
    pub(super) ingresses: Ingresses,
}

impl Table {
    fn of(settings: HttpSettings, parts: &HttpParts) -> Self {
        Self { ingresses: Ingresses::of(&settings, parts), settings }
    }
}

impl Http {
    /// A listener that metrics know by `name`.
    pub(crate) fn new(settings: HttpSettings, name: &str, parts: HttpParts, metrics: &HttpMetrics) -> Self {
        let calls = INGRESSES.map(|ingress| metrics.calls(name, ingress, &Refused::REASONS));
        let table = ArcSwap::from_pointee(Table::of(settings, &parts));
        Self { parts, table, sources: Sources::default(), calls }
    }

    /// Serves by these settings from the next call on, but for those of its listener.
    pub(crate) fn change(&self, settings: HttpSettings) {
        self.table.store(Arc::new(Table::of(settings, &self.parts)));
    }

    /// Counts the calls of the ingress with this number.
    pub(super) fn calls(&self, number: usize) -> &HttpCalls {
        &self.calls[number.min(INGRESSES.len() - 1)]
    }
}
