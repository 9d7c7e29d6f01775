//! Holds a status against `docs/status.schema.json`, by the part of JSON Schema that it uses. A crate for all of it would
//! switch on features of serde_json for every test.

use serde_json::Value;

const SCHEMA: &str = include_str!("../../../docs/status.schema.json");

/// The keywords that restrict nothing here.
const SILENT: [&str; 5] = ["$schema", "$defs", "title", "description", "format"];

/// Checks a whole status.
pub(super) fn check(status: &Value) {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    fits(&schema, &schema, status, "status");
}

fn fits(root: &Value, schema: &Value, value: &Value, at: &str) {
    for (keyword, wanted) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$ref" => {
                let name = wanted.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                fits(root, &root["$defs"][name], value, at);
            }
            "type" => {
                let types = wanted.as_array().map_or(std::slice::from_ref(wanted), Vec::as_slice);
                assert!(
                    types.iter().any(|kind| is(kind.as_str().unwrap(), value)),
                    "{at}: {value} is no {wanted}"
                );
            }
            "enum" => {
                assert!(wanted.as_array().unwrap().contains(value), "{at}: {value} is none of {wanted}")
            }
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    fits(root, wanted, item, &format!("{at}[{number}]"));
                }
            }
            "required" => {
                for name in wanted.as_array().unwrap() {
                    let has = value.as_object().is_none_or(|it| it.contains_key(name.as_str().unwrap()));
                    assert!(has, "{at} has no {name}");
                }
            }
            "properties" => {
                for (name, schema) in wanted.as_object().unwrap() {
                    if let Some(member) = value.get(name) {
                        fits(root, schema, member, &format!("{at}.{name}"));
                    }
                }
            }
            "additionalProperties" => {
                let others = value.as_object().into_iter().flatten();
                for (name, member) in others.filter(|(name, _)| schema["properties"].get(name).is_none()) {
                    assert!(wanted != false, "{at} has {name}, which the schema does not know");
                    fits(root, wanted, member, &format!("{at}.{name}"));
                }
            }
            other => assert!(SILENT.contains(&other), "{other} is not known here"),
        }
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

/// Everything that the schema names has its line in the description, so that neither is changed alone.
#[test]
fn the_page_describes_every_member() {
    let page = include_str!("../../../docs/status.md");
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let parts = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let mut described = 0;
    for name in parts.filter_map(|part| part["properties"].as_object()).flat_map(|it| it.keys()) {
        assert!(page.contains(&format!("`{name}`")), "docs/status.md does not describe {name}");
        described += 1;
    }
    assert!(described > 50, "{described}");
}
