//! Serves `/v1/faults`.

use axum::extract::{Path, State};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::answer::{ControlAnswer, json, nothing, ok};
use super::context::ControlState;
use super::input::Input;
use super::problem::Problem;
use crate::fault::FaultRule;

/// The most rules that the script may have.
const MAX_RULES: usize = 1000;

#[derive(Serialize)]
struct Numbered {
    id: u64,
    #[serde(flatten)]
    rule: FaultRule,
}

pub(super) async fn list(State(control): ControlState) -> ControlAnswer {
    let rules = control.shared.rules.list().into_iter().map(|(id, rule)| Numbered { id, rule });
    ok(&json!({ "faults": rules.collect::<Vec<_>>() }))
}

pub(super) async fn add(State(control): ControlState, Input(rule): Input<FaultRule>) -> ControlAnswer {
    rule.check()?;
    if control.shared.rules.list().len() >= MAX_RULES {
        let detail = format!("the script has {MAX_RULES} rules already, which is the most");
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let id = control.shared.rules.add(rule.clone());
    Ok(json(StatusCode::CREATED, &Numbered { id, rule }))
}

pub(super) async fn clear(State(control): ControlState) -> ControlAnswer {
    control.shared.rules.clear();
    nothing()
}

pub(super) async fn show(State(control): ControlState, Path(id): Path<String>) -> ControlAnswer {
    let number = number(&id)?;
    let found = control.shared.rules.list().into_iter().find(|(own, _)| *own == number);
    let (id, rule) = found.ok_or_else(|| gone(&id))?;
    ok(&Numbered { id, rule })
}

pub(super) async fn remove(State(control): ControlState, Path(id): Path<String>) -> ControlAnswer {
    if control.shared.rules.remove(number(&id)?) { nothing() } else { Err(gone(&id)) }
}

fn number(id: &str) -> Result<u64, Problem> {
    id.parse().map_err(|_| Problem::field("id", &format!("{id:?}"), &"the number of a fault"))
}

fn gone(id: &str) -> Problem {
    Problem::not_found(format!("there is no fault {id}: it was removed, or has struck as often as it may"))
}
