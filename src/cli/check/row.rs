//! What was understood, as rows of facts: one value, which people read as lines and machines as JSON.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// One thing that the configuration has, such as an app, with what is to be known of it.
pub(super) struct Row {
    name: String,
    facts: Vec<(&'static str, Value)>,
    parts: Vec<Row>,
}

impl Row {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), facts: Vec::new(), parts: Vec::new() }
    }

    /// Adds a fact. An empty list and a `false` say nothing and are left out, as is a value that is not there.
    pub(super) fn fact(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let is_empty = value.as_array().is_some_and(Vec::is_empty);
        if !value.is_null() && value != Value::Bool(false) && !is_empty {
            self.facts.push((key, value));
        }
        self
    }

    /// Adds a part, such as a provider of an app. In JSON its name is a key of the whole.
    pub(super) fn part(mut self, part: Option<Row>) -> Self {
        self.parts.extend(part);
        self
    }

    /// Adds the facts of another row.
    pub(super) fn and(mut self, other: Option<Row>) -> Self {
        self.facts.extend(other.into_iter().flat_map(|other| other.facts));
        self
    }

    fn facts<S: SerializeMap>(&self, map: &mut S) -> Result<(), S::Error> {
        for (key, value) in &self.facts {
            map.serialize_entry(key, value)?;
        }
        Ok(())
    }
}

/// The name is a member of its own, and so is each part.
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        self.facts(&mut map)?;
        for part in &self.parts {
            map.serialize_entry(&part.name, &Facts(part))?;
        }
        map.end()
    }
}

struct Facts<'a>(&'a Row);

impl Serialize for Facts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.facts(&mut map)?;
        map.end()
    }
}

/// Writes rows below each other, with their facts in one column.
pub(super) fn write_rows(f: &mut fmt::Formatter<'_>, rows: &[Row], indent: usize) -> fmt::Result {
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or_default();
    for row in rows {
        let facts: Vec<_> = row.facts.iter().map(|(key, value)| fact(key, value)).collect();
        let line = format!("{:indent$}{:width$}  {}", "", row.name, facts.join(", "));
        writeln!(f, "{}", line.trim_end())?;
        write_rows(f, &row.parts, indent + 4)?;
    }
    Ok(())
}

fn fact(key: &str, value: &Value) -> String {
    let key = key.replace('_', " ");
    if value.is_boolean() { key } else { format!("{key} {}", text(value)) }
}

fn text(value: &Value) -> String {
    match value {
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(" "),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}
