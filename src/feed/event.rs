//! One verdict, as a receiver is told of it.

use std::sync::Arc;
use std::time::SystemTime;

use serde::ser::{Serialize, SerializeMap, Serializer};
use tokio::time::Instant;

use crate::push::{AppId, Labels, PushId, PushResult, Reason, ToldTarget};

/// One verdict. It names its target whole, so it never prints.
pub(crate) struct FeedEvent {
    /// When the push had its verdict, by the clock that waits are measured by.
    pub(super) at: Instant,
    time: SystemTime,
    app: AppId,
    push_id: String,
    caller: Option<Arc<str>>,
    target_field: &'static str,
    target: String,
    labels: Labels,
    result: Verdict,
}

/// What of a result is told.
struct Verdict {
    provider: &'static str,
    outcome: &'static str,
    token_action: &'static str,
    reason: Option<&'static str>,
    upstream_status: Option<u16>,
    upstream_reason: String,
    token_invalid_since: Option<SystemTime>,
}

impl FeedEvent {
    /// The event of a push that has its result now.
    pub(crate) fn new(
        (app, id, labels): (&AppId, &PushId, &Labels),
        caller: Option<Arc<str>>,
        target: ToldTarget<'_>,
        result: &PushResult,
    ) -> Self {
        let ToldTarget { field, text } = target;
        Self {
            at: Instant::now(),
            time: SystemTime::now(),
            app: app.clone(),
            push_id: id.as_str().to_owned(),
            caller,
            target_field: field,
            target: text.into_owned(),
            labels: labels.clone(),
            result: Verdict {
                provider: result.provider.map_or("", |provider| provider.name()),
                outcome: result.outcome.name(),
                token_action: result.token_action.name(),
                reason: result.reason.map(Reason::name),
                upstream_status: result.upstream_status,
                upstream_reason: result.upstream_reason.clone(),
                token_invalid_since: result.token_invalid_since,
            },
        }
    }
}

impl FeedEvent {
    /// When the push had its verdict, by the wall clock.
    pub(super) fn time(&self) -> SystemTime {
        self.time
    }
}

/// Members and enums have the names that ProtoJSON gives those of a PushResult. What is not known is left out.
impl Serialize for FeedEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { at: _, time, app, push_id, caller, target_field, target, labels, result } = self;
        let Verdict { provider, outcome, token_action, reason, upstream_status, .. } = result;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time", &rfc3339(*time))?;
        map.serialize_entry("app", app.as_str())?;
        map.serialize_entry("provider", &in_contract("PROVIDER", provider))?;
        map.serialize_entry("outcome", &in_contract("OUTCOME", outcome))?;
        map.serialize_entry("tokenAction", &in_contract("TOKEN_ACTION", token_action))?;
        if let Some(reason) = reason {
            map.serialize_entry("reason", &in_contract("REASON", reason))?;
        }
        map.serialize_entry("id", push_id)?;
        if let Some(caller) = caller {
            map.serialize_entry("caller", &**caller)?;
        }
        map.serialize_entry("target", target)?;
        map.serialize_entry("targetField", target_field)?;
        if !labels.is_empty() {
            map.serialize_entry("labels", labels)?;
        }
        if let Some(status) = upstream_status {
            map.serialize_entry("upstreamStatus", status)?;
        }
        if !result.upstream_reason.is_empty() {
            map.serialize_entry("upstreamReason", &result.upstream_reason)?;
        }
        if let Some(since) = result.token_invalid_since {
            map.serialize_entry("tokenInvalidSince", &rfc3339(since))?;
        }
        map.end()
    }
}

fn rfc3339(moment: SystemTime) -> String {
    humantime::format_rfc3339_millis(moment).to_string()
}

/// A value of an enum of the contract, by its own name: `OUTCOME_INVALID_TOKEN`.
fn in_contract(prefix: &str, name: &str) -> String {
    format!("{prefix}_{}", name.to_ascii_uppercase())
}
