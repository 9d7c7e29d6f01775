//! Serves `/v1/clock`, `/v1/tokens` and `/v1/provider-keys`: all the ways in which a good credential can end.

use std::time::Duration;

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{ControlAnswer, ok};
use super::context::{Control, ControlState};
use super::input::Input;
use super::problem::Problem;

/// The longest step of the clock.
const MAX_STEP: Duration = Duration::from_secs(366 * 24 * 60 * 60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    #[serde(with = "humantime_serde")]
    forward: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyState {
    revoked: bool,
}

pub(super) async fn show(State(control): ControlState) -> ControlAnswer {
    ok(&control.time())
}

pub(super) async fn forward(State(control): ControlState, Input(step): Input<Step>) -> ControlAnswer {
    if step.forward > MAX_STEP {
        let found = humantime::format_duration(step.forward);
        return Err(Problem::field("forward", &found, &"at most 366 days"));
    }
    control.shared.clock.advance(step.forward);
    ok(&control.time())
}

impl Control {
    fn time(&self) -> Value {
        let clock = &self.shared.clock;
        json!({ "now_ms": clock.now_ms(), "ahead_ms": clock.ahead_ms() })
    }
}

/// Ends the tokens that were seen so far; new ones are good. Moving the clock would also end tokens that a client
/// dates by its own clock later.
pub(super) async fn expire_tokens(State(control): ControlState) -> ControlAnswer {
    let provider = control.shared.apns.keys.expire_tokens();
    let access = control.shared.fcm.revoke_tokens();
    ok(&json!({ "provider_tokens": provider, "access_tokens": access }))
}

pub(super) async fn keys(State(control): ControlState) -> ControlAnswer {
    let one =
        |(key_id, team_id, revoked)| json!({ "key_id": key_id, "team_id": team_id, "revoked": revoked });
    ok(&json!({ "provider_keys": control.shared.apns.keys.list().into_iter().map(one).collect::<Vec<_>>() }))
}

pub(super) async fn set_key(
    State(control): ControlState,
    Path(key_id): Path<String>,
    Input(KeyState { revoked }): Input<KeyState>,
) -> ControlAnswer {
    if !control.shared.apns.keys.set_revoked(&key_id, revoked) {
        return Err(Problem::not_found(format!("there is no provider key {key_id}")));
    }
    ok(&json!({ "key_id": key_id, "revoked": revoked }))
}
