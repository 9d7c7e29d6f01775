//! The document says what the API does: it has the same paths and methods, and every example is accepted and answered
//! as it says.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::api::{Api, Told};
use super::schema::Schemas;
use crate::control::{OPENAPI, routes};
use crate::tests::client::{Client, GOOD};

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

/// Lists every operation: method, path, and what the document says of it.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let path = path.clone();
        let item = item.as_object().unwrap().clone();
        item.into_iter().map(move |(method, operation)| (method, path.clone(), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

/// Holds a value against a schema of the document.
fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    Schemas(document).check(schema, value, "it")
}

/// Fills a path with the examples of its parameters, and appends the query with all of them.
fn filled(path: &str, operation: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (mut path, mut query) = (path.to_owned(), Vec::new());
    for parameter in operation["parameters"].as_array().unwrap_or(&Vec::new()) {
        let (name, example) = (text(&parameter["name"]), text(&parameter["example"]));
        match parameter["in"].as_str().unwrap() {
            "path" => path = path.replace(&format!("{{{name}}}"), &example),
            "query" => query.push(format!("{name}={example}")),
            other => panic!("{other}"),
        }
    }
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

fn assert_as_documented(document: &Value, operation: &Value, told: &Told, what: &str) {
    let responses = operation["responses"].as_object().unwrap();
    let status = told.status.as_str();
    let response = responses.get(status).unwrap_or_else(|| panic!("{what}: {status} {}", told.json));
    match response["content"].as_object() {
        None => assert_eq!(told.json, Value::Null, "{what}"),
        Some(content) => {
            let (kind, media) = content.iter().next().unwrap();
            assert_eq!(told.headers["content-type"], kind.as_str(), "{what}");
            fits(document, &media["schema"], &told.json).unwrap_or_else(|error| panic!("{what}: {error}"));
        }
    }
}

#[tokio::test]
async fn the_document_has_every_path_and_method_and_no_other() {
    let api = Api::start(|builder| builder).await;
    let document = document();
    let documented: BTreeSet<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    let served: BTreeSet<_> = routes().iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(documented, served);
    for path in served {
        let item = document["paths"][&path].as_object().unwrap();
        for method in METHODS {
            let told = api.call(&method.to_uppercase(), &path.replace(['{', '}'], ""), "").await;
            let documented = item.contains_key(method);
            assert_eq!(told.status != 405, documented, "{method} {path} {}", told.json);
        }
    }
}

#[tokio::test]
async fn every_example_is_of_its_schema_and_is_answered_as_documented() {
    let api = Api::start(|builder| builder.keep_bodies(10)).await;
    let document = document();
    let mut client = Client::connect(&api.simulator).await;
    let mut seen = 0;
    // Operations that make something come first, and those that remove something last.
    let mut operations = operations(&document);
    let order = |method: &str| ["post", "put", "get", "delete"].iter().position(|own| *own == method);
    let depth = |path: &str| Reverse(path.len());
    operations.sort_by_key(|(method, path, _)| (path == "/v1/reset", order(method), depth(path)));
    client.push(GOOD).await.unwrap();
    for (method, path, operation) in operations {
        let no_body = serde_json::Map::from_iter([("none".to_owned(), json!({ "value": null }))]);
        let media = &operation["requestBody"]["content"]["application/json"];
        for (name, example) in media["examples"].as_object().unwrap_or(&no_body) {
            let what = format!("{method} {path} {name}");
            let value = &example["value"];
            let body = if value.is_null() { String::new() } else { value.to_string() };
            if !value.is_null() {
                fits(&document, &media["schema"], value).unwrap_or_else(|error| panic!("{what}: {error}"));
            }
            let told = api.call(&method.to_uppercase(), &filled(&path, &operation), body).await;
            assert_as_documented(&document, &operation, &told, &what);
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} examples were seen");
}

#[tokio::test]
async fn what_the_journal_and_the_script_hold_is_of_its_schema() {
    let api = Api::start(|builder| builder.keep_bodies(10)).await;
    let document = document();
    let schema = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let mut client = Client::connect(&api.simulator).await;
    client.push(GOOD).await.unwrap();
    client.push("dead").await.unwrap();
    let page = api.get("/v1/journal?wait=2&stage=settled").await;
    fits(&document, &schema("Page"), &page).unwrap();
    assert_eq!(page["entries"][1]["reason"], "Unregistered");
    assert_eq!(
        page["entries"][0]["read"]["body"]["text"].as_str().map(|body| body.starts_with('{')),
        Some(true)
    );
    let connections = api.get("/v1/connections").await;
    fits(&document, &schema("Connections"), &connections).unwrap();
    assert_eq!(connections["connections"].as_array().unwrap().len(), 1);
    // The schemas must refuse something, or they would prove nothing.
    assert!(fits(&document, &schema("Rule"), &json!({ "fault": "silent" })).is_err());
    assert!(fits(&document, &schema("Rule"), &json!({ "fault": "silence", "time": 1 })).is_err());
}
