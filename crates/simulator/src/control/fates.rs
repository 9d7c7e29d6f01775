//! Serves `/v1/fates`, which scripts the outcome of pushes to a token.

use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::json;

use super::answer::{ControlAnswer, nothing, ok};
use super::context::{Control, ControlState};
use super::fate::{FateJson, FateService};
use super::input::Input;
use super::problem::Problem;
use crate::sync::lock;

/// The most tokens whose outcome may be scripted.
const MAX_FATES: usize = 100_000;

/// The most bytes of a token. No service has tokens as long.
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
    /// Restores the outcome that each token itself names.
    pub(super) fn unset_fates(&self) {
        for (service, token) in std::mem::take(&mut *lock(&self.fates)).into_keys() {
            // The token existed when its outcome was scripted, and tokens are never removed.
            let _ = service.set(&self.shared, &token, None);
        }
    }
}

/// Returns a token in the form of the journal: the endpoint of a subscription becomes its path and query.
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
