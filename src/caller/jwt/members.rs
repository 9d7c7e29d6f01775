//! JSON objects whose members have different names.
//!
//! Parsers differ in which of two members with one name they take, so whoever signs and whoever verifies could see two
//! different tokens. Source: RFC 8725, section 2.4, and RFC 7515, section 4.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object. Each stays unparsed until it is asked for.
pub(super) struct Members<'a>(BTreeMap<String, &'a RawValue>);

/// The value of a member is of another type than was asked for.
#[derive(Debug)]
pub(super) struct WrongType;

impl<'a> Members<'a> {
    /// Reads a JSON text. There is none if the text is no object, or two of its members have the same name.
    pub(super) fn read(json: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the value of a member, where there is such a member.
    pub(super) fn get<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, WrongType> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|_| WrongType)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose members have different names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("two members have the same name"));
            }
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_twice_is_seen_however_it_is_written() {
        let members = Members::read(br#"{"alg":"ES256","kid":7,"x":{"alg":1,"alg":2}}"#).unwrap();
        assert_eq!(members.get::<String>("alg").unwrap().as_deref(), Some("ES256"));
        assert!(members.get::<String>("kid").is_err() && members.get::<String>("typ").unwrap().is_none());
        for twice in [
            r#"{"alg":"ES256","alg":"none"}"#,
            r#"{"alg":"ES256","\u0061lg":"none"}"#,
            r#"{"x":1,"y":2,"x":1}"#,
            "[]",
            r#""alg""#,
            "",
            "{} {}",
        ] {
            assert!(Members::read(twice.as_bytes()).is_none(), "{twice}");
        }
    }
}
