//! Serves `/v1/counters`, `/v1/connections` and `/v1/reset`.

use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::answer::{ControlAnswer, nothing, ok};
use super::context::ControlState;
use super::input::Input;
use super::problem::Problem;
use crate::fault::Fault;
use crate::strike::{self, StrikeError};

/// The body of a request to strike a connection. It names the fault as a rule does.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Strike {
    fault: Fault,
}

pub(super) async fn counters(State(control): ControlState) -> ControlAnswer {
    ok(&control.shared.read_counters())
}

pub(super) async fn list(State(control): ControlState) -> ControlAnswer {
    ok(&json!({ "connections": control.shared.connections.open() }))
}

pub(super) async fn strike(
    State(control): ControlState,
    Path(id): Path<String>,
    Input(strike): Input<Strike>,
) -> ControlAnswer {
    let number =
        id.parse().map_err(|_| Problem::field("id", &format!("{id:?}"), &"the number of a connection"))?;
    strike.fault.check()?;
    match strike::by_number(&control.shared, number, &strike.fault) {
        Ok(()) => nothing(),
        Err(error @ StrikeError::NotOpen(_)) => Err(Problem::not_found(error.to_string())),
        Err(error @ StrikeError::NotForConnections) => {
            Err(Problem::new(StatusCode::BAD_REQUEST, error.to_string()))
        }
    }
}

/// Restores the state of the start. Connections stay open, and their numbers go on.
pub(super) async fn reset(State(control): ControlState) -> ControlAnswer {
    let shared = &control.shared;
    shared.rules.clear();
    control.restore_outcomes();
    shared.clock.reset();
    shared.fcm.restore_rate();
    shared.apns.keys.reset();
    shared.apns.channels.restore(&control.channels);
    shared.journal.reset();
    shared.counters.reset();
    shared.connections.take_closed();
    nothing()
}
