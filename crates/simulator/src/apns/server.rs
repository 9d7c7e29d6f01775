//! What the simulated APNs knows.

use std::sync::Arc;

use super::channels::Channels;
use super::keys::Keys;
use super::settings::ApnsSettings;
use super::token::Fates;
use crate::clock::Clock;
use crate::counters::LiveCounters;

/// APNs in both environments, which share keys and channels here.
pub(crate) struct Apns {
    pub(crate) settings: ApnsSettings,
    pub(crate) keys: Keys,
    pub(crate) fates: Fates,
    pub(crate) channels: Channels,
    pub(super) clock: Clock,
    pub(super) counters: Arc<LiveCounters>,
}

impl Apns {
    pub(crate) fn new(settings: ApnsSettings, keys: Keys, clock: Clock, counters: Arc<LiveCounters>) -> Self {
        Self { settings, keys, fates: Fates::default(), channels: Channels::default(), clock, counters }
    }
}
