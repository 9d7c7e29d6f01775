//! The throttle of the proxy, which exists and never strikes. It keeps what is left of a second in whole seconds,
//! which is none as soon as any time has passed, so each request opens a new window. A test that wants a throttle
//! which works sets a number of requests in a second, which begins with the first of them.
//!
//! Source: gopkg.in/throttled/throttled.v1, and 40 requests in 10 ms at a limit of 5, which were all accepted.

use std::collections::HashMap;
use std::sync::Mutex;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::settings::MattermostSettings;
use crate::sync::lock;

const SECOND_MS: u64 = 1000;

/// How many keys are remembered, as in the proxy's own memory store.
const MAX_KEYS: usize = 50_000;

/// The limit of the proxy's sample configuration, which every answer tells.
const SAMPLE_LIMIT: u64 = 300;

/// When the second began and how many requests it has, by key.
#[derive(Default)]
pub(super) struct Throttle(Mutex<HashMap<Vec<u8>, (u64, u64)>>);

/// Whether a request is denied, and what the headers of its answer say about the limit.
pub(super) struct ThrottleAnswer {
    pub(super) denied: bool,
    pub(super) headers: HeaderMap,
}

impl Throttle {
    pub(super) fn count(&self, key: &[u8], limit: u64, now_ms: u64) -> ThrottleAnswer {
        if limit == MattermostSettings::UNTHROTTLED {
            return ThrottleAnswer { denied: false, headers: headers(SAMPLE_LIMIT, SAMPLE_LIMIT - 1, 1) };
        }
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
        let mut headers = headers(limit, limit.saturating_sub(*used), reset_s);
        if denied {
            headers.insert("retry-after", HeaderValue::from(reset_s));
        }
        ThrottleAnswer { denied, headers }
    }
}

fn headers(limit: u64, remaining: u64, reset_s: u64) -> HeaderMap {
    HeaderMap::from_iter([
        (HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(limit)),
        (HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(remaining)),
        (HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(reset_s)),
    ])
}
