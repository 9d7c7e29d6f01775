//! What all workers of a run share.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::input::Input;
use super::journal::Journal;
use super::progress::Progress;
use super::rate::PushRate;
use super::results::Results;
use crate::proto;

/// What all workers of a run share.
pub(super) struct BatchRun {
    pub(super) input: Input,
    pub(super) results: Results,
    pub(super) progress: Arc<Progress>,
    /// The app of pushes that name none.
    pub(super) app: String,
    pub(super) service_class: proto::ServiceClass,
    pub(super) template: MulticastTemplate,
    /// The most items in flight on one stream.
    pub(super) in_flight: usize,
    /// Where pushes are noted before they are sent.
    pub(super) journal: Option<Arc<Journal>>,
    pub(super) rate: Option<PushRate>,
    /// How many CREDENTIAL verdicts end the run.
    pub(super) stop_after_credential: Option<u64>,
    /// How long a worker tries to connect again, counted from the last verdict.
    pub(super) reconnect_for: Duration,
    /// The longest silence of a gateway while items are in flight.
    pub(super) timeout: Duration,
    /// Cancelled when nothing more may be read or sent. Verdicts of pushes in flight are still waited for.
    pub(super) stop: CancellationToken,
    /// Cancelled when nothing is waited for any more.
    pub(super) now: CancellationToken,
}

/// The parts of a multicast that every device of the input gets.
pub(super) struct MulticastTemplate {
    pub(super) content: proto::Content,
    pub(super) options: proto::Options,
    pub(super) labels: std::collections::BTreeMap<String, String>,
}
