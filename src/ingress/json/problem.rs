//! What is wrong with a call, as problem details. Source: RFC 9457.

use std::time::Duration;

use http::{StatusCode, header};
use serde::Serialize;

use super::mistake::Mistake;
use crate::caller::Denied;
use crate::desk::NoRoom;
use crate::ingress::contract::CallFault;
use crate::ingress::http::{Answer, Refused, answer, retry_after};
use crate::push::Reason;

/// Source: RFC 9457, section 6.1.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// What is wrong with a call.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Problem(Box<Details>);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    /// No page describes it further: `reason` is what programs act on. Source: RFC 9457, section 4.2.1.
    r#type: &'static str,
    title: &'static str,
    #[serde(serialize_with = "number")]
    status: StatusCode,
    detail: String,
    /// Why, as a Reason of the contract, without its prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The member at fault, as a path from the body.
    #[serde(skip_serializing_if = "String::is_empty")]
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// When the same call is worth trying again. `Retry-After` says it in whole seconds.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "seconds")]
    retry_after: Option<Duration>,
}

fn number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

/// As ProtoJSON writes durations.
fn seconds<S: serde::Serializer>(wait: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    let wait = wait.unwrap_or_default();
    to.collect_str(&format_args!("{}.{:03}s", wait.as_secs(), wait.subsec_millis()))
}

impl Problem {
    /// A problem that concerns no member.
    pub(super) fn new(status: StatusCode, reason: Option<Reason>, detail: impl Into<String>) -> Self {
        Self(Box::new(Details {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Problem"),
            status,
            detail: detail.into(),
            reason: reason.map(Reason::name),
            field: String::new(),
            line: None,
            column: None,
            retry_after: None,
        }))
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The same, which is worth trying again after a wait.
    pub(super) fn again_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    /// A bug of the gateway's.
    pub(super) fn bug() -> Self {
        let detail =
            "the contract's messages cannot be read, which is a bug of the gateway; nothing was sent";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Some(Reason::GatewayBug), detail)
    }

    /// The answer to a call that has it.
    pub(super) fn answer(&self) -> Answer {
        let mut answer = answer(self.status(), MEDIA_TYPE, self.json());
        if let Some(wait) = self.0.retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, retry_after(wait));
        }
        answer
    }

    /// The problem as JSON.
    pub(super) fn json(&self) -> Vec<u8> {
        // Nothing in it can fail to be JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Why a call did not reach this ingress.
impl From<&Refused> for Problem {
    fn from(refused: &Refused) -> Self {
        let reason = match refused {
            Refused::NotFound | Refused::Method(_) => None,
            Refused::Unknown(_) => Some(Reason::CallerUnknown),
            Refused::Denied(_) => Some(Reason::NotPermitted),
            Refused::Rate(_) => Some(Reason::CallerOverRate),
            Refused::ManyCalls | Refused::NoRoom => Some(Reason::Overloaded),
            Refused::TooLarge(_) => Some(Reason::FieldTooLarge),
            Refused::TooSlow(_) => Some(Reason::DeadlineExceeded),
            Refused::Malformed(_) | Refused::Broken => Some(Reason::FieldInvalid),
            Refused::Encoded => Some(Reason::NotSupported),
        };
        Self::new(refused.status(), reason, refused.to_string()).again_after(refused.retry_after())
    }
}

/// JSON that is no message.
impl From<Mistake> for Problem {
    fn from(mistake: Mistake) -> Self {
        let detail = mistake.to_string();
        let Mistake { path, line, column, .. } = mistake;
        let mut problem = Self::new(StatusCode::BAD_REQUEST, Some(Reason::FieldInvalid), detail);
        (problem.0.field, problem.0.line, problem.0.column) = (path, Some(line), Some(column));
        problem
    }
}

impl From<CallFault> for Problem {
    fn from(fault: CallFault) -> Self {
        let problem = Self::new(status(&fault), Some(fault.reason()), fault.to_string());
        let mut problem = problem.again_after(fault.wait());
        if let CallFault::Bad(refusal) = fault {
            problem.0.field = refusal.field.into_owned();
        }
        problem
    }
}

fn status(fault: &CallFault) -> StatusCode {
    match fault {
        CallFault::Bad(_) => StatusCode::BAD_REQUEST,
        CallFault::UnknownCaller(_) | CallFault::CallerExpired => StatusCode::UNAUTHORIZED,
        CallFault::NoRoom(NoRoom::OverRate(_)) | CallFault::Denied(Denied::Streams(_)) => {
            StatusCode::TOO_MANY_REQUESTS
        }
        CallFault::Denied(_) => StatusCode::FORBIDDEN,
        CallFault::NotReading { .. } => StatusCode::REQUEST_TIMEOUT,
        CallFault::NoRoom(NoRoom::Full(_) | NoRoom::OverBudget | NoRoom::Draining)
        | CallFault::ConnectionOver => StatusCode::SERVICE_UNAVAILABLE,
        CallFault::OutOfTime => StatusCode::GATEWAY_TIMEOUT,
        CallFault::BatchBroke => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_to_do_as_people_and_programs_read_it() {
        let fault = CallFault::NoRoom(NoRoom::OverRate(Duration::from_millis(1250)));
        let json: serde_json::Value = serde_json::from_slice(&Problem::from(fault).json()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "type": "about:blank",
                "title": "Too Many Requests",
                "status": 429,
                "detail": "the caller is over its rate (pushes_per_second); nothing was sent",
                "reason": "CALLER_OVER_RATE",
                "retryAfter": "1.250s",
            })
        );
    }
}
