//! `/v1/fates`

use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::json;

use super::answer::{ControlAnswer, nothing, ok};
use super::context::{Control, ControlState};
use super::fate::{FateJson, FateService};
use super::input::Input;
use super::problem::Problem;
use crate::sync::lock;

/// The most tokens that may have a fate that was set.
const MAX_FATES: usize = 100_000;

/// The most bytes that a token may have. No service has tokens as long.
const MAX_TOKEN: usize = 4096;

pub(super) async fn list(State(control): ControlState) -> ControlAnswer {
    let fates = lock(&control.fates);
    let one = |((service, token), fate): (&(FateService, String), &FateJson)| json!({ "service": service, "token": token, "fate": fate });
    ok(&json!({ "fates": fates.iter().map(one).collect::<Vec<_>>() }))
}

pub(super) async fn clear(State(control): ControlState) -> ControlAnswer {
    control.unset_fates();
    nothing()
}

pub(super) async fn show(
    State(control): ControlState,
    Path((service, token)): Path<(String, String)>,
) -> ControlAnswer {
    let key = (FateService::named(&service)?, normal(&token)?);
    let fates = lock(&control.fates);
    let fate = fates.get(&key).ok_or_else(|| unset_already(&key.1))?;
    ok(&json!({ "service": key.0, "token": key.1, "fate": fate }))
}

pub(super) async fn set(
    State(control): ControlState,
    Path((service, token)): Path<(String, String)>,
    Input(fate): Input<FateJson>,
) -> ControlAnswer {
    let key = (FateService::named(&service)?, normal(&token)?);
    let mut fates = lock(&control.fates);
    if fates.len() >= MAX_FATES && !fates.contains_key(&key) {
        let detail = format!("{MAX_FATES} tokens have a fate already, which is the most");
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    key.0.set(&control.shared, &key.1, Some(&fate))?;
    let answer = ok(&json!({ "service": key.0, "token": key.1, "fate": fate }));
    fates.insert(key, fate);
    answer
}

pub(super) async fn unset(
    State(control): ControlState,
    Path((service, token)): Path<(String, String)>,
) -> ControlAnswer {
    let key = (FateService::named(&service)?, normal(&token)?);
    lock(&control.fates).remove(&key).ok_or_else(|| unset_already(&key.1))?;
    key.0.set(&control.shared, &key.1, None)?;
    nothing()
}

impl Control {
    /// All tokens have the fates that they have of themselves.
    pub(super) fn unset_fates(&self) {
        for (service, token) in std::mem::take(&mut *lock(&self.fates)).into_keys() {
            // It was there when its fate was set, and none is taken away.
            let _ = service.set(&self.shared, &token, None);
        }
    }
}

/// The form in which the journal has a token: of a subscription's endpoint that is its path and query.
fn normal(token: &str) -> Result<String, Problem> {
    if token.len() > MAX_TOKEN {
        return Err(Problem::field(
            "token",
            &format!("{} bytes", token.len()),
            &format!("at most {MAX_TOKEN}"),
        ));
    }
    let path = token.strip_prefix("https://").and_then(|rest| rest.find('/').and_then(|at| rest.get(at..)));
    Ok(path.unwrap_or(token).to_owned())
}

fn unset_already(token: &str) -> Problem {
    Problem::not_found(format!("no fate was set for {token}"))
}
