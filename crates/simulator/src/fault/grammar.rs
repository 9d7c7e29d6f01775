//! Parses a rule from one word of a command line: `FAULT[:VALUE][@WHEN[:VALUE]][*TIMES]`.
//!
//! The word is turned into the JSON of the control API and read as that, so that both have one vocabulary. A value is
//! a text, or fields such as `status=503,reason=Shutdown`.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::bounds::UnfitRule;
use super::rule::FaultRule;

/// Why a text is not a rule.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// The text says something that the JSON of a rule may not say.
    #[error("{field}: {problem}")]
    Json {
        /// The path of the field in the JSON.
        field: String,
        /// What is wrong with it, and what is expected.
        problem: String,
    },
    /// The rule asks for something that is out of bounds.
    #[error(transparent)]
    Unfit(#[from] UnfitRule),
}

impl FromStr for FaultRule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let mut rule = Map::new();
        let (text, times) = match text.rsplit_once('*') {
            Some((rest, times)) => (rest, Some(number(times).unwrap_or_else(|| times.into()))),
            None => (text, None),
        };
        let (fault, when) = match text.split_once('@') {
            Some((fault, when)) => (fault, Some(when)),
            None => (text, None),
        };
        rule.insert("fault".to_owned(), variant(fault));
        rule.extend(when.map(|when| ("when".to_owned(), variant(when))));
        rule.extend(times.map(|times| ("times".to_owned(), times)));
        let rule: Self = serde_path_to_error::deserialize(Value::from(rule)).map_err(|error| {
            RuleError::Json { field: error.path().to_string(), problem: error.inner().to_string() }
        })?;
        rule.check()?;
        Ok(rule)
    }
}

/// Turns `silence`, `delay:2s` or `reset_stream:code=7,at=before_body` into JSON.
fn variant(text: &str) -> Value {
    let Some((name, value)) = text.split_once(':') else { return text.into() };
    // A device token or a path is always a text, whatever it looks like.
    let value = match name {
        "device_token" | "path_prefix" => value.into(),
        _ => fields(value).unwrap_or_else(|| scalar(value)),
    };
    Value::from(Map::from_iter([(name.to_owned(), value)]))
}

/// Turns `code=7,at=before_body` into JSON. The result is `None` if the text is something else.
fn fields(text: &str) -> Option<Value> {
    let field = |field: &str| {
        let (name, value) = field.split_once('=')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        is_name.then(|| (name.to_owned(), scalar(value)))
    };
    text.split(',').map(field).collect::<Option<Map<_, _>>>().map(Value::from)
}

fn scalar(text: &str) -> Value {
    match text {
        "true" => true.into(),
        "false" => false.into(),
        _ => number(text).unwrap_or_else(|| text.into()),
    }
}

fn number(text: &str) -> Option<Value> {
    match text.parse::<u64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fault::{AfterGoAway, Fault, Front, GoAway, HangUp, LastId, Phase, Refusal, Trigger};
    use crate::service::Service;

    #[test]
    fn a_word_of_the_command_line_is_a_rule() {
        let goaway = GoAway {
            last: LastId::BeforeThis,
            code: 0,
            reason: Some("Shutdown".into()),
            then: AfterGoAway::Drain,
        };
        let token = Trigger::DeviceToken("ok:APA91b=x,y@z".to_owned());
        for (text, when, fault, times) in [
            ("silence", Trigger::Always, Fault::Silence, 1),
            (
                "delay:250ms*always",
                Trigger::Always,
                Fault::Delay(Duration::from_millis(250)),
                FaultRule::ALWAYS,
            ),
            ("refuse:quota@service:fcm*3", Trigger::Service(Service::Fcm), Fault::Refuse(Refusal::Quota), 3),
            (
                "goaway:last=before_this,reason=Shutdown@request:5",
                Trigger::Request(5),
                Fault::GoAway(goaway),
                1,
            ),
            ("silence@device_token:ok:APA91b=x,y@z", token, Fault::Silence, 1),
            (
                "front:status=502,passed_on=true@probability:0.5",
                Trigger::Probability(0.5),
                Fault::Front(Front { status: 502, passed_on: true }),
                1,
            ),
            (
                "hang_up:how=reset@request_of:connection=1,request=2",
                Trigger::RequestOf { connection: 1, request: 2 },
                Fault::HangUp { how: HangUp::Reset, at: Phase::AfterBody },
                1,
            ),
        ] {
            assert_eq!(text.parse::<FaultRule>().unwrap(), FaultRule { when, fault, times }, "{text}");
        }
    }

    #[test]
    fn what_is_no_rule_is_named() {
        for (text, expected) in [
            ("", "fault: unknown variant ``, expected one of `answer`"),
            ("silent", "unknown variant `silent`"),
            ("delay", "fault"),
            ("delay:soon", "fault.delay: invalid value: string \"soon\""),
            ("answer:state=503", "fault.answer.state: unknown field `state`"),
            ("silence@monday", "when: unknown variant `monday`"),
            ("silence*0", "times: invalid value: integer `0`, expected a number from 1 on"),
            ("silence*often", "times: invalid value: string \"often\""),
            ("front:status=500,passed_on=true", "fault.front.status: found 500, expected 502, 503 or 504"),
        ] {
            let error = text.parse::<FaultRule>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
