//! The members of a mapping of YAML. Each is taken out where it is used, so that the rest can be told.

use serde_json::{Map, Value};

use super::made::Made;

/// The members of a mapping that were not used yet.
#[derive(Default)]
pub(super) struct Members {
    rest: Map<String, Value>,
    /// The keys among them that are known and have another kind of value, with the kind that was expected.
    misread: Vec<(String, &'static str)>,
}

impl From<Map<String, Value>> for Members {
    fn from(rest: Map<String, Value>) -> Self {
        Self { rest, misread: Vec::new() }
    }
}

impl Members {
    /// The members of a value. Nothing is a mapping without members, as YAML writes it.
    pub(super) fn of(value: Value) -> Option<Self> {
        match value {
            Value::Object(members) => Some(members.into()),
            Value::Null => Some(Self::default()),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
        }
    }

    /// Takes a member out, unless it is `null`.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.rest.remove(key).filter(|value| !value.is_null())
    }

    /// Takes a value out that has the expected kind. One that has another stays, and is told with the rest.
    fn take_as<T>(&mut self, key: &str, kind: &'static str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let found = self.rest.get(key)?;
        let taken = read(found);
        if taken.is_some() || found.is_null() {
            self.rest.remove(key);
        } else {
            self.misread.push((key.to_owned(), kind));
        }
        taken
    }

    /// Takes a mapping out, which is empty where it is missing.
    pub(super) fn take_members(&mut self, key: &str) -> Self {
        let members = self.take_as(key, "a mapping", |found| found.as_object().cloned());
        members.unwrap_or_default().into()
    }

    /// Takes a text out. A key id of digits alone is a number in YAML.
    pub(super) fn take_text(&mut self, key: &str) -> Option<String> {
        let text = |found: &Value| {
            let number = found.as_number().map(ToString::to_string);
            found.as_str().map(str::to_owned).or(number)
        };
        self.take_as(key, "a text", text).filter(|text| !text.is_empty())
    }

    /// Takes a truth out, in every spelling that sygnal's YAML has. Source: yaml.org, "Boolean Language-Independent Type".
    pub(super) fn take_truth(&mut self, key: &str) -> Option<bool> {
        let truth = |found: &Value| {
            let spelled = found.as_str().map(str::to_ascii_lowercase);
            match spelled.as_deref() {
                Some("yes" | "on") => Some(true),
                Some("no" | "off") => Some(false),
                _ => found.as_bool(),
            }
        };
        self.take_as(key, "true or false", truth)
    }

    /// Takes a number out.
    pub(super) fn take_number(&mut self, key: &str) -> Option<u64> {
        self.take_as(key, "a whole number", Value::as_u64)
    }

    /// Takes texts out.
    pub(super) fn take_texts(&mut self, key: &str) -> Option<Vec<String>> {
        let texts =
            |found: &Value| found.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect();
        self.take_as(key, "a list of texts", texts)
    }

    /// All that is left.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (String, Value)> {
        self.rest.into_iter()
    }

    /// Tells what was not used: what is unknown, and what is known and has another kind of value. `of` is the place of the
    /// mapping, with a full stop.
    pub(super) fn note_rest(self, made: &mut Made, of: &str) {
        for key in self.rest.keys() {
            match self.misread.iter().find(|(misread, _)| misread == key) {
                Some((_, kind)) => {
                    made.lose(format!(
                        "{of}{key} was not taken over: expected {kind}, found something else."
                    ));
                }
                None => made.note(format!("{of}{key} was not taken over: there is nothing like it here.")),
            }
        }
    }
}

/// A value of JSON as one of TOML, which has no `null`.
pub(super) fn toml_of(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(is) => (*is).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => toml::Value::Array(values.iter().filter_map(toml_of).collect()),
        Value::Object(members) => toml::Value::Table(toml_table(members)),
    })
}

/// An object of JSON as a table of TOML.
pub(super) fn toml_table(members: &Map<String, Value>) -> toml::Table {
    members.iter().filter_map(|(key, value)| Some((key.clone(), toml_of(value)?))).collect()
}
