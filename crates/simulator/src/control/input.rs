//! Reads what a request says: a JSON body, and the parameters of a query.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The most bytes of a body. A layer of axum's router refuses more.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// A body that was read as JSON.
pub(super) struct Input<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            let status = rejection.status();
            let detail = if status == StatusCode::PAYLOAD_TOO_LARGE {
                format!("the body is longer than {MAX_BODY} bytes")
            } else {
                rejection.body_text()
            };
            Problem::new(status, detail)
        })?;
        let mut reader = serde_json::Deserializer::from_slice(&body);
        let input = serde_path_to_error::deserialize(&mut reader).map_err(|error| Problem::json(&error))?;
        reader.end().map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
        Ok(Self(input))
    }
}

/// The parameters of a query. Each is taken once, and what is left at the end is unknown.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub(super) fn new(query: Option<&str>) -> Result<Self, Problem> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if parameters.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(Problem::field(&name, &"it twice", &"it once"));
            }
        }
        Ok(Self(parameters))
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    pub(super) fn parse<T: FromStr>(&mut self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.0.remove(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Problem::field(name, &format!("{text:?}"), &expected))
    }

    /// Takes a whole number from `least` to `most`.
    pub(super) fn number(&mut self, name: &str, least: usize, most: usize) -> Result<Option<usize>, Problem> {
        let expected = format!("a whole number from {least} to {most}");
        match self.parse(name, &expected)? {
            Some(number) if !(least..=most).contains(&number) => {
                Err(Problem::field(name, &number, &expected))
            }
            number => Ok(number),
        }
    }

    /// Takes a time such as `10s`, at most `most`.
    pub(super) fn duration(&mut self, name: &str, most: Duration) -> Result<Option<Duration>, Problem> {
        let Some(text) = self.0.remove(name) else { return Ok(None) };
        let expected = format!("a time such as \"10s\", at most {}", humantime::format_duration(most));
        match humantime::parse_duration(&text) {
            Ok(time) if time <= most => Ok(Some(time)),
            Ok(_) | Err(_) => Err(Problem::field(name, &format!("{text:?}"), &expected)),
        }
    }

    pub(super) fn done(self, known: &str) -> Result<(), Problem> {
        match self.0.into_keys().next() {
            Some(name) => {
                Err(Problem::field(&name, &"a parameter that does not exist", &format!("one of {known}")))
            }
            None => Ok(()),
        }
    }
}
