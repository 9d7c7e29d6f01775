//! The configuration of the real Mattermost push proxy, as it reads it: the letter case of keys is ignored.
//!
//! Source: github.com/mattermost/mattermost-push-proxy, its configuration.

use anyhow::{Context, bail};
use serde_json::{Map, Value};

/// An object of the configuration, with its path for errors.
#[derive(Debug)]
pub(super) struct Object<'a> {
    path: String,
    members: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// The whole configuration.
    pub(super) fn whole(value: &'a Value) -> anyhow::Result<Self> {
        Self::of(value, "the configuration".to_owned())
    }

    fn of(value: &'a Value, path: String) -> anyhow::Result<Self> {
        let members = value.as_object().with_context(|| format!("{path}: expected an object"))?;
        Ok(Self { path, members })
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        let mut named = self.members.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
        named.next_back().map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// A text, which is empty where it is absent.
    pub(super) fn text(&self, key: &str) -> anyhow::Result<&'a str> {
        let Some(value) = self.get(key) else { return Ok("") };
        value.as_str().with_context(|| format!("{}.{key}: expected a text", self.path))
    }

    /// Whether something is so, which it is not where it is absent.
    pub(super) fn flag(&self, key: &str) -> anyhow::Result<bool> {
        let Some(value) = self.get(key) else { return Ok(false) };
        value.as_bool().with_context(|| format!("{}.{key}: expected true or false", self.path))
    }

    /// A number.
    pub(super) fn number(&self, key: &str) -> anyhow::Result<Option<i64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        Ok(Some(value.as_i64().with_context(|| format!("{}.{key}: expected a whole number", self.path))?))
    }

    /// The objects of a list.
    pub(super) fn objects(&self, key: &str) -> anyhow::Result<Vec<Self>> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => {
                let objects = values.iter().enumerate();
                objects.map(|(n, value)| Self::of(value, format!("{key}[{n}]"))).collect()
            }
            Some(_) => bail!("{}.{key}: expected a list", self.path),
        }
    }

    /// The keys that are not among these.
    pub(super) fn keys_beside(&self, known: &[&str]) -> impl Iterator<Item = String> {
        let others =
            self.members.keys().filter(|key| !known.iter().any(|known| known.eq_ignore_ascii_case(key)));
        others.map(|key| format!("{}.{key}", self.path))
    }
}
