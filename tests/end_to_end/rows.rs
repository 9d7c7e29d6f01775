//! Reads the tables of push services' answers in `tests/data`.

use std::collections::HashMap;
use std::time::Duration;

use fanfare::proto;
use fanfare_simulator::ScriptedAnswer;
use serde::Deserialize;
use serde_json::Value;

/// An answer of a push service, and the verdict that it has to become.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) upstream: String,
    /// Of Web Push alone.
    pub(crate) vendor: Option<String>,
    pub(crate) status: u16,
    headers: HashMap<String, String>,
    pub(crate) body: Value,
    pub(crate) reason: String,
    /// Of Web Push alone.
    pub(crate) id: Option<String>,
    pub(crate) outcome: String,
    pub(crate) token_action: String,
    pub(crate) retryable: bool,
    pub(crate) retry_after_s: Option<u64>,
    pub(crate) delivery: String,
    pub(crate) source: String,
}

/// The parts of a verdict that are checked: outcome, token action, retryable, the wait, delivery, status, reason.
pub(crate) type VerdictParts = (String, String, bool, Option<u64>, String, u32, String);

impl Row {
    pub(crate) fn answer(&self) -> ScriptedAnswer {
        let body = self.body.as_str().map_or_else(|| self.body.to_string(), str::to_owned);
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        ScriptedAnswer { status: self.status, body: Some(body.into()), headers, ..ScriptedAnswer::default() }
    }

    pub(crate) fn expected(&self) -> VerdictParts {
        (
            format!("OUTCOME_{}", self.outcome),
            format!("TOKEN_ACTION_{}", self.token_action),
            self.retryable,
            self.retry_after_s,
            format!("DELIVERY_{}", self.delivery),
            u32::from(self.status),
            self.reason.clone(),
        )
    }
}

pub(crate) fn verdict(result: &proto::PushResult) -> VerdictParts {
    (
        result.outcome().as_str_name().to_owned(),
        result.token_action().as_str_name().to_owned(),
        result.retryable,
        waits(result),
        result.delivery().as_str_name().to_owned(),
        result.upstream_status,
        result.upstream_reason.clone(),
    )
}

/// The wait in seconds. One that was given as a date is rounded to the nearest, because some of it has passed.
pub(crate) fn waits(result: &proto::PushResult) -> Option<u64> {
    result.retry_after.map(|wait| Duration::try_from(wait).unwrap().as_secs_f64().round() as u64)
}
