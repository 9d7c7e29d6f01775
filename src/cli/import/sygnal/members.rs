//! The members of a mapping of YAML. Each is taken out where it is used, so that the rest can be told.

use serde_json::{Map, Value};

use super::made::Made;

/// The members of a mapping that were not used yet.
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// The members of a value. Nothing is a mapping without members, as YAML writes it.
    pub(super) fn of(value: Value) -> Option<Self> {
        match value {
            Value::Object(members) => Some(Self(members)),
            Value::Null => Some(Self(Map::new())),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
        }
    }

    /// Takes a member out, unless it is `null`.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key).filter(|value| !value.is_null())
    }

    /// Takes a mapping out. What is no mapping stays, and is told with the rest.
    pub(super) fn take_members(&mut self, key: &str) -> Self {
        match self.0.remove(key) {
            Some(Value::Object(members)) => Self(members),
            Some(Value::Null) | None => Self(Map::new()),
            Some(other) => {
                self.0.insert(key.to_owned(), other);
                Self(Map::new())
            }
        }
    }

    /// Takes a text out. A key id of digits alone is a number in YAML.
    pub(super) fn take_text(&mut self, key: &str) -> Option<String> {
        let found = self.0.get(key)?;
        let number = found.as_number().map(ToString::to_string);
        let text = found.as_str().map(str::to_owned).or(number)?;
        self.0.remove(key);
        Some(text).filter(|text| !text.is_empty())
    }

    /// Takes a truth out, in every spelling that sygnal's YAML has. Source: yaml.org, "Boolean Language-Independent Type".
    pub(super) fn take_truth(&mut self, key: &str) -> Option<bool> {
        let found = self.0.get(key)?;
        let spelled = found.as_str().map(str::to_ascii_lowercase);
        let is = match spelled.as_deref() {
            Some("yes" | "on") => true,
            Some("no" | "off") => false,
            _ => found.as_bool()?,
        };
        self.0.remove(key);
        Some(is)
    }

    /// Takes a number out.
    pub(super) fn take_number(&mut self, key: &str) -> Option<u64> {
        let number = self.0.get(key)?.as_u64()?;
        self.0.remove(key);
        Some(number)
    }

    /// Takes texts out.
    pub(super) fn take_texts(&mut self, key: &str) -> Option<Vec<String>> {
        let texts = self.0.get(key)?.as_array()?.iter().map(|text| text.as_str().map(str::to_owned));
        let texts: Option<Vec<_>> = texts.collect();
        self.0.remove(key);
        texts
    }

    /// All that is left.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (String, Value)> {
        self.0.into_iter()
    }

    /// Tells what was not used. `of` is the place of the mapping, with a full stop.
    pub(super) fn note_rest(self, made: &mut Made, of: &str) {
        for key in self.0.keys() {
            made.note(format!("{of}{key} was not taken over: there is nothing like it here."));
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
