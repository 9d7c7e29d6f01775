//! The proxy's throttle: so many requests in a second, which begins with the first of them.
//! Source: gopkg.in/throttled/throttled.v1.

use std::collections::HashMap;
use std::sync::Mutex;

use http::{HeaderMap, HeaderValue};

use crate::simulator::sync::lock;

const SECOND_MS: u64 = 1000;

/// Keys that are remembered, as the proxy's own memory store bounds them.
const MAX_KEYS: usize = 50_000;

/// By key: since when, and how many.
#[derive(Default)]
pub(super) struct Throttle(Mutex<HashMap<Vec<u8>, (u64, u64)>>);

/// A request that was counted.
pub(super) struct Counted {
    pub(super) denied: bool,
    pub(super) headers: HeaderMap,
}

impl Throttle {
    pub(super) fn count(&self, key: &[u8], limit: u64, now_ms: u64) -> Counted {
        let mut keys = lock(&self.0);
        if keys.len() >= MAX_KEYS {
            keys.clear();
        }
        let (since, used) = keys.entry(key.to_owned()).or_insert((now_ms, 0));
        if now_ms >= since.saturating_add(SECOND_MS) {
            (*since, *used) = (now_ms, 0);
        }
        *used += 1;
        let denied = *used > limit;
        let reset_s = since.saturating_add(SECOND_MS).saturating_sub(now_ms).div_ceil(SECOND_MS);
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", HeaderValue::from(limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(limit.saturating_sub(*used)));
        headers.insert("x-ratelimit-reset", HeaderValue::from(reset_s));
        if denied {
            headers.insert("retry-after", HeaderValue::from(reset_s));
        }
        Counted { denied, headers }
    }
}
