//! The push proxy as it runs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::proxied::Asked;
use super::settings::MattermostSettings;
use super::throttle::Throttle;
use crate::apns::Apns;
use crate::clock::Clock;
use crate::fcm::Google;
use crate::sync::lock;

/// How many requests to APNs and FCM are remembered.
const MAX_ASKED: usize = 10_000;

/// The push proxy with the services behind it.
pub(crate) struct PushProxy {
    pub(super) settings: MattermostSettings,
    pub(super) throttle: Throttle,
    pub(super) clock: Clock,
    pub(super) apns: Arc<Apns>,
    pub(super) google: Arc<Google>,
    asked: Mutex<VecDeque<Asked>>,
}

impl PushProxy {
    pub(crate) fn new(
        settings: MattermostSettings,
        clock: Clock,
        apns: Arc<Apns>,
        google: Arc<Google>,
    ) -> Self {
        Self { settings, throttle: Throttle::default(), clock, apns, google, asked: Mutex::default() }
    }

    pub(super) fn note(&self, asked: Asked) {
        let mut all = lock(&self.asked);
        if all.len() == MAX_ASKED {
            all.pop_front();
        }
        all.push_back(asked);
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        lock(&self.asked).iter().cloned().collect()
    }
}
