//! Implements the part of JSON Schema that the document uses. A crate for all of it would switch on features of
//! serde_json and hashbrown for every test and benchmark.

use serde_json::{Map, Value};

/// The keywords that restrict nothing.
const SILENT: [&str; 3] = ["description", "default", "pattern"];

pub(super) struct Schemas<'a>(pub(super) &'a Value);

impl Schemas<'_> {
    /// Checks a value against a schema.
    ///
    /// # Errors
    ///
    /// It returns what does not fit, and where.
    pub(super) fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        for (keyword, wanted) in schema.as_object().unwrap() {
            let fits = match keyword.as_str() {
                "$ref" => {
                    let name = wanted.as_str().unwrap().strip_prefix("#/components/schemas/").unwrap();
                    self.check(&self.0["components"]["schemas"][name], value, at)?;
                    true
                }
                "type" => {
                    let one = std::slice::from_ref(wanted);
                    let types = wanted.as_array().map_or(one, Vec::as_slice);
                    types.iter().any(|wanted| is(wanted.as_str().unwrap(), value))
                }
                "enum" => wanted.as_array().unwrap().contains(value),
                "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
                "minItems" => {
                    value.as_array().is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap())
                }
                "maxItems" => {
                    value.as_array().is_none_or(|items| items.len() as u64 <= wanted.as_u64().unwrap())
                }
                "items" => {
                    let items = value.as_array().into_iter().flatten().enumerate();
                    items
                        .into_iter()
                        .try_for_each(|(n, item)| self.check(wanted, item, &format!("{at}[{n}]")))?;
                    true
                }
                "required" => value.as_object().is_none_or(|object| {
                    wanted.as_array().unwrap().iter().all(|name| object.contains_key(name.as_str().unwrap()))
                }),
                "properties" => {
                    self.properties(wanted.as_object().unwrap(), value, at)?;
                    true
                }
                "additionalProperties" => value.as_object().is_none_or(|object| {
                    assert_eq!(wanted, false);
                    object.keys().all(|name| schema["properties"].get(name).is_some())
                }),
                "oneOf" => {
                    let fitting =
                        wanted.as_array().unwrap().iter().filter(|one| self.check(one, value, at).is_ok());
                    fitting.count() == 1
                }
                other => {
                    assert!(SILENT.contains(&other), "{other} is not known here");
                    true
                }
            };
            if !fits {
                return Err(format!("{at}: {value} is not of {keyword} {wanted}"));
            }
        }
        Ok(())
    }

    fn properties(&self, wanted: &Map<String, Value>, value: &Value, at: &str) -> Result<(), String> {
        let Some(object) = value.as_object() else { return Ok(()) };
        let known = object.iter().filter_map(|(name, value)| Some((name, value, wanted.get(name)?)));
        known
            .into_iter()
            .try_for_each(|(name, value, schema)| self.check(schema, value, &format!("{at}.{name}")))
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}
