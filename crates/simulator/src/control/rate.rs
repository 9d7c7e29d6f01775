//! Serves `/v1/fcm/rate`.

use axum::extract::State;
use serde::Deserialize;

use super::answer::{ControlAnswer, nothing};
use super::context::ControlState;
use super::input::Input;
use super::problem::Problem;
use crate::fcm::Rate;
use crate::retry_after::RetryAfter;

/// No rate is larger, so that no bucket overflows.
const MOST: u64 = 1_000_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRate {
    per_second: u64,
    burst: u64,
    /// The seconds in the `retry-after` header. Without it there is no such header.
    retry_after: Option<u64>,
}

pub(super) async fn set(State(control): ControlState, Input(new): Input<NewRate>) -> ControlAnswer {
    let NewRate { per_second, burst, retry_after } = new;
    for (field, found) in [("per_second", per_second), ("burst", burst)] {
        if found > MOST {
            return Err(Problem::field(field, &found, &format!("at most {MOST}")));
        }
    }
    let retry_after = retry_after.map_or(RetryAfter::Absent, RetryAfter::Seconds);
    control.shared.fcm.set_rate(Some(Rate { per_second, burst, retry_after }));
    nothing()
}

pub(super) async fn clear(State(control): ControlState) -> ControlAnswer {
    control.shared.fcm.set_rate(None);
    nothing()
}
