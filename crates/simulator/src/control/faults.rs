//! `/v1/faults`

use axum::extract::{Path, State};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::input::Input;
use super::problem::Problem;
use super::{Answer, Shared, json, nothing, ok};
use crate::FaultRule;

/// The most rules that a script may have.
const MAX_RULES: usize = 1000;

#[derive(Serialize)]
struct Numbered {
    id: u64,
    #[serde(flatten)]
    rule: FaultRule,
}

pub(super) async fn list(State(control): Shared) -> Answer {
    let rules = control.world.rules.list().into_iter().map(|(id, rule)| Numbered { id, rule });
    ok(&json!({ "faults": rules.collect::<Vec<_>>() }))
}

pub(super) async fn add(State(control): Shared, Input(rule): Input<FaultRule>) -> Answer {
    rule.check()?;
    if control.world.rules.list().len() >= MAX_RULES {
        let detail = format!("the script has {MAX_RULES} rules already, which is the most");
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let id = control.world.rules.add(rule.clone());
    Ok(json(StatusCode::CREATED, &Numbered { id, rule }))
}

pub(super) async fn clear(State(control): Shared) -> Answer {
    control.world.rules.clear();
    nothing()
}

pub(super) async fn show(State(control): Shared, Path(id): Path<String>) -> Answer {
    let number = number(&id)?;
    let found = control.world.rules.list().into_iter().find(|(own, _)| *own == number);
    let (id, rule) = found.ok_or_else(|| gone(&id))?;
    ok(&Numbered { id, rule })
}

pub(super) async fn remove(State(control): Shared, Path(id): Path<String>) -> Answer {
    if control.world.rules.remove(number(&id)?) { nothing() } else { Err(gone(&id)) }
}

fn number(id: &str) -> Result<u64, Problem> {
    id.parse().map_err(|_| Problem::field("id", &format!("{id:?}"), &"the number of a fault"))
}

fn gone(id: &str) -> Problem {
    Problem::not_found(format!("there is no fault {id}: it was removed, or has struck as often as it may"))
}
