//! Reads and writes JSON as a Go program does. It reads the first value of the body, matches field names in any case,
//! and lets the last of several win.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::body::Body;

/// The fields of a Go struct, by the type of their values.
pub(super) struct GoStruct {
    pub(super) name: &'static str,
    pub(super) texts: &'static [&'static str],
    pub(super) numbers: &'static [&'static str],
    pub(super) flags: &'static [&'static str],
}

impl GoStruct {
    fn kind(&self, field: &str) -> Option<&'static str> {
        let kinds = [(self.texts, "string"), (self.numbers, "int"), (self.flags, "bool")];
        kinds.into_iter().find(|(names, _)| names.contains(&field)).map(|(_, kind)| kind)
    }

    /// Reads the fields that the struct has.
    ///
    /// # Errors
    ///
    /// It returns what Go's decoder says.
    pub(super) fn read(&self, body: &Body) -> Result<BTreeMap<String, Value>, String> {
        // Go puts U+FFFD for each byte that is not UTF-8, and the characters of JSON itself are all ASCII.
        let text = String::from_utf8_lossy(&body.bytes);
        let fields = match first::<Fields>(&text) {
            Some(Ok(Fields(fields))) => fields,
            None => return Err("EOF".to_owned()),
            Some(Err(error)) if error.is_eof() => return Err("unexpected EOF".to_owned()),
            Some(Err(error)) => return self.not_fields(&text, &error),
        };
        let mut read = BTreeMap::new();
        for (name, value) in fields {
            let name = name.to_lowercase();
            let Some(kind) = self.kind(&name) else { continue };
            if let Some(found) = misfit(&value, kind) {
                let Self { name: own, .. } = self;
                return Err(format!(
                    "json: cannot unmarshal {found} into Go struct field {own}.{name} of type {kind}"
                ));
            }
            // A null leaves a field as it is.
            if !value.is_null() {
                read.insert(name, value);
            }
        }
        Ok(read)
    }

    /// Reads a body that is another value, or none.
    fn not_fields(&self, text: &str, error: &serde_json::Error) -> Result<BTreeMap<String, Value>, String> {
        match first::<Value>(text) {
            Some(Ok(Value::Null)) => Ok(BTreeMap::new()),
            Some(Ok(other)) => {
                let found = misfit(&other, "struct").unwrap_or_default();
                Err(format!("json: cannot unmarshal {found} into Go value of type model.{}", self.name))
            }
            // Go uses other words here, on which nothing depends.
            Some(Err(_)) | None => Err(format!("invalid character: {error}")),
        }
    }
}

/// Writes JSON as Go does, which escapes what HTML could take for a tag.
pub(super) fn go_json(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn first<'a, T: Deserialize<'a>>(text: &'a str) -> Option<serde_json::Result<T>> {
    serde_json::Deserializer::from_str(text).into_iter().next()
}

/// Returns what Go calls a value that is not of the wanted type.
fn misfit(value: &Value, wanted: &str) -> Option<String> {
    let (found, fits) = match value {
        Value::Null => return None,
        Value::Bool(_) => ("bool".to_owned(), wanted == "bool"),
        Value::Number(number) if wanted == "int" => (format!("number {number}"), number.is_i64()),
        Value::Number(_) => ("number".to_owned(), false),
        Value::String(_) => ("string".to_owned(), wanted == "string"),
        Value::Array(_) => ("array".to_owned(), false),
        Value::Object(_) => ("object".to_owned(), false),
    };
    (!fits).then_some(found)
}

/// Fields in the order in which they stand.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUSH: GoStruct = GoStruct {
        name: "PushNotification",
        texts: &["server_id"],
        numbers: &["badge"],
        flags: &["is_id_loaded"],
    };

    fn read(json: impl Into<bytes::Bytes>) -> Result<Value, String> {
        PUSH.read(&Body::of(json)).map(|fields| fields.into_iter().collect())
    }

    #[test]
    fn go_reads_what_others_would_not() {
        for (json, server) in [
            (r#"{"server_id":"a"} trailing"#, "a"),
            (r#"{"SERVER_ID":"a"}{"server_id":"b"}"#, "a"),
            (r#"{"server_id":"a","Server_Id":"b","unknown":[1]}"#, "b"),
            (r#"{"server_id":"a","server_id":null}"#, "a"),
        ] {
            assert_eq!(read(json).unwrap()["server_id"], server, "{json}");
        }
        assert_eq!(read(&b"{\"server_id\":\"\xff\xfe\"}"[..]).unwrap()["server_id"], "\u{fffd}\u{fffd}");
        assert_eq!(read("null").unwrap(), serde_json::json!({}));
    }

    #[test]
    fn what_go_cannot_read_is_said_in_its_words() {
        for (json, error) in [
            ("", "EOF"),
            ("{", "unexpected EOF"),
            ("[]", "json: cannot unmarshal array into Go value of type model.PushNotification"),
            ("\"x\"", "json: cannot unmarshal string into Go value of type model.PushNotification"),
            (
                r#"{"badge":"1"}"#,
                "json: cannot unmarshal string into Go struct field PushNotification.badge of type int",
            ),
            (
                r#"{"badge":1.5}"#,
                "json: cannot unmarshal number 1.5 into Go struct field PushNotification.badge of type int",
            ),
            (
                r#"{"server_id":1}"#,
                "json: cannot unmarshal number into Go struct field PushNotification.server_id of type string",
            ),
        ] {
            assert_eq!(read(json.to_owned()).unwrap_err(), error, "{json}");
        }
    }
}
