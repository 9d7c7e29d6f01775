//! The push proxy as it runs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::proxied::ProxiedRequest;
use super::settings::MattermostSettings;
use super::throttle::Throttle;
use crate::apns::Apns;
use crate::clock::Clock;
use crate::fcm::Google;
use crate::sync::lock;

/// How many requests to APNs and FCM are remembered.
const MAX_PROXIED: usize = 10_000;

/// The push proxy with the services behind it.
pub(crate) struct PushProxy {
    pub(super) settings: MattermostSettings,
    pub(super) throttle: Throttle,
    pub(super) clock: Clock,
    pub(super) apns: Arc<Apns>,
    pub(super) google: Arc<Google>,
    proxied_requests: Mutex<VecDeque<ProxiedRequest>>,
}

impl PushProxy {
    pub(crate) fn new(
        settings: MattermostSettings,
        clock: Clock,
        apns: Arc<Apns>,
        google: Arc<Google>,
    ) -> Self {
        Self {
            settings,
            throttle: Throttle::default(),
            clock,
            apns,
            google,
            proxied_requests: Mutex::default(),
        }
    }

    pub(super) fn note(&self, request: ProxiedRequest) {
        let mut all = lock(&self.proxied_requests);
        if all.len() == MAX_PROXIED {
            all.pop_front();
        }
        all.push_back(request);
    }

    pub(super) fn proxied_requests(&self) -> Vec<ProxiedRequest> {
        lock(&self.proxied_requests).iter().cloned().collect()
    }
}
