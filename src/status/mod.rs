//! How the gateway is, as plain values: what a person on call reads first. Nothing here asks anybody, and nothing knows a
//! protocol: `app/status` collects the values, the admin listener shows them as JSON, as events and as a page, and `fanfare top`
//! reads them again.
//!
//! `docs/status.md` describes each member.

mod app;
mod batches;
mod caller;
mod credential;
mod fault;
mod feed;
mod latency;
mod moment;
mod pace;
mod peer;
mod problem;
mod record;
mod series;
mod trouble;
mod word;

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

pub(crate) use app::{AppHealth, AppStatus};
pub(crate) use batches::BatchesStatus;
pub(crate) use caller::{CallerStatus, RateStatus};
pub(crate) use credential::{CredentialState, CredentialStatus};
pub(crate) use fault::Fault;
pub(crate) use feed::FeedStatus;
pub(crate) use latency::LatencyCounts;
pub(crate) use moment::{at, clock};
pub(crate) use pace::PaceStatus;
pub(crate) use peer::{BreakerStatus, ConnectionStatus, PeerStatus};
pub(crate) use problem::{Problem, Problems};
pub(crate) use record::RouteRecord;
pub(crate) use series::{SAMPLE_EVERY, Sample, Samples, Series};
pub(crate) use trouble::Trouble;
pub(crate) use word::Word;

/// How the gateway is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Status {
    /// When this was found.
    #[serde(with = "moment::rfc3339")]
    pub(crate) now: SystemTime,
    /// When the gateway was started.
    #[serde(with = "moment::rfc3339")]
    pub(crate) since: SystemTime,
    /// The version of the gateway.
    pub(crate) version: Word,
    /// Whether it takes pushes. No app's trouble makes it false.
    pub(crate) ready: bool,
    /// Why it takes none.
    pub(crate) not_ready: Option<Word>,
    /// How many pushes are in flight.
    pub(crate) in_flight: usize,
    /// How many may be.
    pub(crate) max_in_flight: usize,
    /// The open batches.
    pub(crate) batches: BatchesStatus,
    /// Each app on each of its providers, those in trouble first.
    pub(crate) apps: Vec<AppStatus>,
    /// The peers, those in trouble first.
    pub(crate) peers: Vec<PeerStatus>,
    /// How many peers are left out of the list, because it is long.
    pub(crate) peers_left_out: usize,
    /// Every pace that limits what is sent.
    pub(crate) paces: Vec<PaceStatus>,
    /// What the apps show, and the certificates of the listeners.
    pub(crate) credentials: Vec<CredentialStatus>,
    /// The callers of the configuration.
    pub(crate) callers: Vec<CallerStatus>,
    /// The feeds of the configuration, those in trouble first.
    pub(crate) feeds: Vec<FeedStatus>,
    /// The latest problem of each kind, the newest first.
    pub(crate) problems: Vec<Problem>,
    /// The last half hour.
    pub(crate) series: Series,
}
