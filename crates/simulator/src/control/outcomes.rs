//! Serves `/v1/fates`, which scripts the outcome of pushes to a token.

use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::json;

use super::answer::{ControlAnswer, nothing, ok};
use super::context::{Control, ControlState};
use super::input::Input;
use super::problem::Problem;
use super::scripted::{ScriptedOutcomeJson, TokenService};
use crate::sync::lock;

/// The most tokens whose outcome may be scripted.
const MAX_SCRIPTED: usize = 100_000;

/// The most bytes of a token. No service has tokens as long.
const MAX_TOKEN: usize = 4096;

pub(super) async fn list(State(control): ControlState) -> ControlAnswer {
    let outcomes = lock(&control.outcomes);
    let one = |((service, token), outcome): (&(TokenService, String), &ScriptedOutcomeJson)| json!({ "service": service, "token": token, "fate": outcome });
    ok(&json!({ "fates": outcomes.iter().map(one).collect::<Vec<_>>() }))
}

pub(super) async fn clear(State(control): ControlState) -> ControlAnswer {
    control.restore_outcomes();
    nothing()
}

pub(super) async fn show(
    State(control): ControlState,
    Path((service, token)): Path<(String, String)>,
) -> ControlAnswer {
    let key = (TokenService::named(&service)?, normal(&token)?);
    let outcomes = lock(&control.outcomes);
    let outcome = outcomes.get(&key).ok_or_else(|| not_scripted(&key.1))?;
    ok(&json!({ "service": key.0, "token": key.1, "fate": outcome }))
}

pub(super) async fn set(
    State(control): ControlState,
    Path((service, token)): Path<(String, String)>,
    Input(outcome): Input<ScriptedOutcomeJson>,
) -> ControlAnswer {
    let key = (TokenService::named(&service)?, normal(&token)?);
    let mut outcomes = lock(&control.outcomes);
    if outcomes.len() >= MAX_SCRIPTED && !outcomes.contains_key(&key) {
        let detail = format!("{MAX_SCRIPTED} tokens have a fate already, which is the most");
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    key.0.set(&control.shared, &key.1, Some(&outcome))?;
    let answer = ok(&json!({ "service": key.0, "token": key.1, "fate": outcome }));
    outcomes.insert(key, outcome);
    answer
}

pub(super) async fn unset(
    State(control): ControlState,
    Path((service, token)): Path<(String, String)>,
) -> ControlAnswer {
    let key = (TokenService::named(&service)?, normal(&token)?);
    lock(&control.outcomes).remove(&key).ok_or_else(|| not_scripted(&key.1))?;
    key.0.set(&control.shared, &key.1, None)?;
    nothing()
}

impl Control {
    /// Restores the outcome that each token itself names.
    pub(super) fn restore_outcomes(&self) {
        for (service, token) in std::mem::take(&mut *lock(&self.outcomes)).into_keys() {
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

fn not_scripted(token: &str) -> Problem {
    Problem::not_found(format!("no fate was set for {token}"))
}
