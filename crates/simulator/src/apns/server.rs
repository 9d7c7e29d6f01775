//! What the simulated APNs knows.

use std::sync::Arc;

use super::channels::Channels;
use super::keys::Keys;
use super::scripted::ApnsOutcomes;
use super::settings::ApnsSettings;
use crate::clock::Clock;
use crate::counters::LiveCounters;

/// APNs in both environments, which share keys and channels here.
pub(crate) struct Apns {
    pub(crate) settings: ApnsSettings,
    pub(crate) keys: Keys,
    pub(crate) outcomes: ApnsOutcomes,
    pub(crate) channels: Channels,
    pub(super) clock: Clock,
    pub(super) counters: Arc<LiveCounters>,
}

impl Apns {
    pub(crate) fn new(settings: ApnsSettings, keys: Keys, clock: Clock, counters: Arc<LiveCounters>) -> Self {
        Self {
            settings,
            keys,
            outcomes: ApnsOutcomes::default(),
            channels: Channels::default(),
            clock,
            counters,
        }
    }
}
