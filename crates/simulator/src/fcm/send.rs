//! Answers `POST /v1/projects/{project}/messages:send`.

use http::request::Parts;
use serde_json::json;
use uuid::Uuid;

use super::auth::may_send;
use super::error::{GoogleError, JSON};
use super::google::Google;
use super::message::{self, Message, Target};
use super::quota;
use super::scripted::project_of;
use crate::body::Body;
use crate::decision::Decision;

/// The id of a dry run. Google documents none; this is the one in the tests of its own libraries.
const DRY_RUN_ID: &str = "fake_message_id";

/// Returns the project that a path sends for.
pub(super) fn project(path: &str) -> Option<&str> {
    let project = path.strip_prefix("/v1/projects/")?.strip_suffix("/messages:send")?;
    (!project.is_empty() && !project.contains('/')).then_some(project)
}

/// Returns the device that the body of a send request names.
pub(crate) fn token_in(parts: &Parts, body: &Body) -> Option<String> {
    project(parts.uri.path()).and_then(|_| message::device(body))
}

pub(super) fn decide(google: &Google, project: &str, parts: &Parts, body: &Body) -> Decision {
    judge(google, project, parts, body).unwrap_or_else(GoogleError::decision)
}

/// Google documents no order of the checks. This one asks first who sends, then what, then to whom.
fn judge(google: &Google, project: &str, parts: &Parts, body: &Body) -> Result<Decision, GoogleError> {
    let now_ms = google.clock.now_ms();
    let account = google.tokens.authorize(&parts.headers)?;
    may_send(&google.settings.projects, &account, project)?;
    google.quotas.take_project(project, now_ms)?;
    google.rates.take(project, now_ms).map_err(|retry| quota::over_the_projects(project, retry, now_ms))?;
    let Message { target, validate_only } = message::parse(body)?;
    let token = match target {
        Target::Device(token) => token,
        Target::Topic | Target::Condition => return Ok(accepted(project, &topic_id(now_ms), validate_only)),
    };
    if project_of(&token).is_some_and(|own| own != project) {
        let error = GoogleError::new(403, "PERMISSION_DENIED", "SenderId mismatch");
        return Err(error.fcm("SENDER_ID_MISMATCH"));
    }
    google.quotas.take_device(&token, now_ms)?;
    Ok(google.outcome(&token).answer_to_push(accepted(project, &device_id(now_ms), validate_only), now_ms))
}

fn accepted(project: &str, id: &str, validate_only: bool) -> Decision {
    let id = if validate_only { DRY_RUN_ID } else { id };
    let name = json!({ "name": format!("projects/{project}/messages/{id}") });
    let decision = Decision::new(200, JSON, name.to_string());
    if validate_only { decision.with_reason("validate_only") } else { decision }
}

/// Makes an id like that of a push to a device, `0:1500415314455276%31bd1c9631bd1c96`. Source: Google, "Send a message
/// using FCM HTTP v1 API".
fn device_id(now_ms: u64) -> String {
    let random = Uuid::new_v4().as_u64_pair().0;
    format!("0:{}{:03}%{random:016x}", now_ms, random % 1000)
}

/// Makes an id like that of a push to a topic, which is a number.
fn topic_id(now_ms: u64) -> String {
    format!("{now_ms}{:06}", Uuid::new_v4().as_u64_pair().0 % 1_000_000)
}
