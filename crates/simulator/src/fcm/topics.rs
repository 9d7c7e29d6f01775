//! Subscribes tokens to topics: many in one call by the API of Instance ID, and one in a call by FCM's own API.
//!
//! Source: firebase/firebase-admin-go, `messaging/topic_mgt.go`; firebase-admin for Python 7.7.0, `messaging.py`.

use http::Method;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::may_send;
use super::condition::is_topic;
use super::error::{GoogleError, JSON};
use super::google::Google;
use super::refusal::FcmRefusal;
use super::scripted::FcmScriptedOutcome;
use crate::body::Body;
use crate::decision::Decision;
use crate::sync::lock;

/// How both paths of the Instance ID API begin.
pub(super) const PATH: &str = "/iid/v1:batch";

/// The most tokens in a call. Source: Google, "Topic messaging".
const MAX_TOKENS: usize = 1000;

#[derive(Deserialize)]
struct Batch {
    to: String,
    registration_tokens: Vec<String>,
}

pub(super) fn decide(google: &Google, parts: &Parts, body: &Body) -> Decision {
    judge(google, parts, body).unwrap_or_else(GoogleError::decision)
}

fn judge(google: &Google, parts: &Parts, body: &Body) -> Result<Decision, GoogleError> {
    let path = parts.uri.path();
    let add = match path.strip_prefix(PATH) {
        Some("Add") => true,
        Some("Remove") => false,
        _ => return Err(GoogleError::new(404, "NOT_FOUND", "Requested entity was not found.")),
    };
    // Without this header the API takes the token for one of its own old kind.
    if parts.headers.get("access_token_auth").is_none_or(|value| value != "true") {
        return Err(GoogleError::new(401, "UNAUTHENTICATED", "Request is missing access_token_auth."));
    }
    google.tokens.authorize(&parts.headers)?;
    let batch: Batch =
        serde_json::from_slice(&body.bytes).map_err(|error| GoogleError::invalid(error.to_string()))?;
    let topic = batch.to.strip_prefix("/topics/").filter(|topic| is_topic(topic));
    let topic = topic.ok_or_else(|| GoogleError::invalid("Invalid topic"))?;
    if batch.registration_tokens.is_empty() || batch.registration_tokens.len() > MAX_TOKENS {
        return Err(GoogleError::invalid("Between 1 and 1000 tokens"));
    }
    let mut topics = lock(&google.topics.0);
    let subscribed = topics.entry(topic.to_owned()).or_default();
    let results: Vec<Value> = batch
        .registration_tokens
        .into_iter()
        .map(|token| match google.outcome(&token) {
            FcmScriptedOutcome::Refused(refusal) => json!({ "error": word(&refusal) }),
            FcmScriptedOutcome::Good
            | FcmScriptedOutcome::Page(_)
            | FcmScriptedOutcome::Slow(_)
            | FcmScriptedOutcome::Silent => {
                if add {
                    subscribed.insert(token);
                } else {
                    subscribed.remove(&token);
                }
                json!({})
            }
        })
        .collect();
    Ok(Decision::new(200, JSON, json!({ "results": results }).to_string()))
}

/// The project, the registration token and what follows `topicSubscriptions` in a path.
pub(super) struct TopicSubscription<'a> {
    project: &'a str,
    token: String,
    topic: Option<&'a str>,
}

/// Reads `/v1/projects/{project}/registrations/{token}/topicSubscriptions[/{topic}]`.
pub(super) fn subscription(path: &str) -> Option<TopicSubscription<'_>> {
    let (project, rest) = path.strip_prefix("/v1/projects/")?.split_once("/registrations/")?;
    let (token, rest) = rest.split_once("/topicSubscriptions")?;
    Some(TopicSubscription { project, token: decoded(token), topic: rest.strip_prefix('/') })
}

/// Subscribes with a POST, and ends the subscription with a DELETE.
pub(super) fn decide_one(google: &Google, subscription: &TopicSubscription<'_>, parts: &Parts) -> Decision {
    judge_one(google, subscription, parts).unwrap_or_else(GoogleError::decision)
}

fn judge_one(
    google: &Google,
    subscription: &TopicSubscription<'_>,
    parts: &Parts,
) -> Result<Decision, GoogleError> {
    let account = google.tokens.authorize(&parts.headers)?;
    may_send(&google.settings.projects, &account, subscription.project)?;
    let query = parts.uri.query().unwrap_or_default();
    let named = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "topic_name");
    let topic = match (subscription.topic, named) {
        (Some(topic), _) => decoded(topic),
        (None, Some((_, topic))) => topic.into_owned(),
        (None, None) => String::new(),
    };
    if !is_topic(&topic) {
        return Err(GoogleError::invalid("Malformed topic name").fcm("INVALID_ARGUMENT"));
    }
    let outcome = google.outcome(&subscription.token);
    let mut topics = lock(&google.topics.0);
    let subscribed = topics.entry(topic).or_default();
    if !matches!(outcome, FcmScriptedOutcome::Refused(_)) {
        if parts.method == Method::DELETE {
            subscribed.remove(&subscription.token);
        } else {
            subscribed.insert(subscription.token.clone());
        }
    }
    Ok(outcome.answer_to_push(Decision::new(200, JSON, "{}"), google.clock.now_ms()))
}

/// Decodes a part of a path, whose escapes are those of the key of a form.
fn decoded(part: &str) -> String {
    form_urlencoded::parse(part.as_bytes()).next().map(|(key, _)| key.into_owned()).unwrap_or_default()
}

/// Returns the error of one token. Source: firebase/firebase-admin-node, `messaging-errors-internal.ts`.
fn word(refusal: &FcmRefusal) -> &'static str {
    match refusal.http {
        400 => "INVALID_ARGUMENT",
        401 | 403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        0..=u16::MAX => "INTERNAL",
    }
}
