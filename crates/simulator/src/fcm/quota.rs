//! Quotas of a minute, for projects and for devices. Source: Google, "FCM Throttling and Quotas".

use std::collections::HashMap;
use std::sync::Mutex;

use super::error::GoogleError;
use crate::retry_after::RetryAfter;
use crate::sync::lock;

const MINUTE_MS: u64 = 60_000;

/// How many pushes are accepted in a minute, and what the answer to further ones says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many pushes are accepted in a minute, which begins with the first of them.
    pub per_minute: u64,
    /// The `retry-after` header in the answer to further pushes.
    pub retry_after: RetryAfter,
}

/// The quotas that are set, and how much of them was used. Without a quota there is no limit.
#[derive(Default)]
pub(super) struct Quotas(Mutex<QuotaUse>);

#[derive(Default)]
struct QuotaUse {
    project: Option<Quota>,
    device: Option<Quota>,
    /// When the minute began and how many pushes it has, by project or device.
    used: HashMap<String, (u64, u64)>,
}

impl Quotas {
    pub(super) fn set_project(&self, quota: Quota) {
        lock(&self.0).project = Some(quota);
    }

    pub(super) fn set_device(&self, quota: Quota) {
        lock(&self.0).device = Some(quota);
    }

    /// Takes one push from the quota of a project.
    pub(super) fn take_project(&self, project: &str, now_ms: u64) -> Result<(), GoogleError> {
        let mut quotas = lock(&self.0);
        let Some(quota) = quotas.project else { return Ok(()) };
        quotas.take(quota, &subject_of(project), OF_PROJECT, now_ms)
    }

    /// Takes one push from the quota of a device.
    pub(super) fn take_device(&self, token: &str, now_ms: u64) -> Result<(), GoogleError> {
        let mut quotas = lock(&self.0);
        let Some(quota) = quotas.device else { return Ok(()) };
        let subject = format!("device:{token}");
        quotas.take(quota, &subject, "Message rate exceeded for the device.", now_ms)
    }
}

impl QuotaUse {
    fn take(
        &mut self,
        quota: Quota,
        subject: &str,
        description: &str,
        now_ms: u64,
    ) -> Result<(), GoogleError> {
        let (since, used) = self.used.entry(subject.to_owned()).or_insert((now_ms, 0));
        if now_ms >= since.saturating_add(MINUTE_MS) {
            (*since, *used) = (now_ms, 0);
        }
        *used += 1;
        if *used <= quota.per_minute {
            return Ok(());
        }
        Err(over(subject, description, quota.retry_after, now_ms))
    }
}

const OF_PROJECT: &str = "Message rate exceeded for the project.";

fn subject_of(project: &str) -> String {
    format!("project:{project}")
}

/// The answer to a push that is over the quota or the rate of its project.
pub(super) fn over_the_projects(project: &str, retry_after: RetryAfter, now_ms: u64) -> GoogleError {
    over(&subject_of(project), OF_PROJECT, retry_after, now_ms)
}

fn over(subject: &str, description: &str, retry_after: RetryAfter, now_ms: u64) -> GoogleError {
    let message = "Quota exceeded for quota metric 'Messages sent' and limit 'Messages sent per minute'.";
    let error = GoogleError::new(429, "RESOURCE_EXHAUSTED", message).fcm("QUOTA_EXCEEDED");
    error.quota(subject, description).retry_after(retry_after.header(now_ms))
}
