//! `/v1/counters`, `/v1/connections` and `/v1/reset`.

use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::input::Input;
use super::problem::Problem;
use super::{Answer, Shared, nothing, ok};
use crate::{Fault, StrikeError};

/// A fault as a body holds it: the same name as in a rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Strike {
    fault: Fault,
}

pub(super) async fn counters(State(control): Shared) -> Answer {
    ok(&control.world.counters())
}

pub(super) async fn list(State(control): Shared) -> Answer {
    ok(&json!({ "connections": control.world.open_connections() }))
}

pub(super) async fn strike(
    State(control): Shared,
    Path(id): Path<String>,
    Input(strike): Input<Strike>,
) -> Answer {
    let number =
        id.parse().map_err(|_| Problem::field("id", &format!("{id:?}"), &"the number of a connection"))?;
    strike.fault.check()?;
    match control.world.strike(number, &strike.fault) {
        Ok(()) => nothing(),
        Err(error @ StrikeError::NotOpen(_)) => Err(Problem::not_found(error.to_string())),
        Err(error @ StrikeError::NotForConnections) => {
            Err(Problem::new(StatusCode::BAD_REQUEST, error.to_string()))
        }
    }
}

/// Everything as it was at the start, but for connections, which stay, and their numbers, which go on.
pub(super) async fn reset(State(control): Shared) -> Answer {
    let world = &control.world;
    world.rules.clear();
    control.unset_fates();
    world.clock.reset();
    world.keys.reset();
    world.channels.restore(&control.channels);
    world.journal.reset();
    world.tally.reset();
    nothing()
}
