//! The document: the paths, which are few, and what they take and give.

use prost_reflect::{DescriptorPool, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::comments::Comments;
use super::schemas::{Schemas, Way, reference};
use crate::proto::FILE_DESCRIPTOR_SET;

pub(super) fn document() -> Value {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let message = |name: &str| pool.get_message_by_name(&format!("fanfare.push.v1.{name}")).unwrap();
    let comments = Comments::of(&message("Push").parent_file());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Fanfare",
            "version": "v1",
            "description": INTRODUCTION,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"basic": []}, {"certificate": []}, {}],
        "paths": {"/v1/pushes": pushes(), "/v1/batch": batch(), "/v1/openapi.json": openapi()},
        "components": {
            "schemas": schemas(&comments, message),
            "responses": {
                "Problem": {
                    "description": "What is wrong with the call. `reason` says why, for programs.",
                    "headers": {"Retry-After": {
                        "description": "When the same call is worth trying again, in seconds.",
                        "schema": {"type": "integer"},
                    }},
                    "content": {"application/problem+json": {"schema": reference("Problem")}},
                },
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The key of a caller, or a JWT."},
                "basic": {"type": "http", "scheme": "basic", "description": "The key is the password."},
                "certificate": {"type": "mutualTLS"},
            },
        },
    })
}

const INTRODUCTION: &str = "Carries pushes to APNs, FCM, Web Push and Mattermost push proxies, and gives each exactly one \
truthful verdict. This is the contract `fanfare.push.v1` as ProtoJSON: members that have their default are left out of answers, \
and of requests they may be left out. Unknown members are refused.\n\nWhat becomes of a push, and what is wrong with one, is \
its PushResult. A status other than 200 speaks of the call alone, and its body is a problem. Where this gateway says so, \
nothing was sent; a status without a problem comes from something on the way, and says nothing of the pushes.";

fn schemas(comments: &Comments, message: impl Fn(&str) -> MessageDescriptor) -> Map<String, Value> {
    let mut schemas = Schemas::new(comments);
    for name in ["Push", "SendPushesRequest", "BatchOptions"] {
        schemas.add(&message(name), Way::In);
    }
    for name in ["PushResult", "SendPushesResponse", "SendBatchResponse"] {
        schemas.add(&message(name), Way::Out);
    }
    let mut found = schemas.found;
    found.insert("Problem".to_owned(), problem());
    found.insert("BatchLine".to_owned(), batch_line());
    found.insert("BatchAnswerLine".to_owned(), batch_answer_line());
    found
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "const": "about:blank"},
            "title": {"type": "string", "description": "The phrase of the status."},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "Why, in one sentence for people. May change; do not parse it."},
            "reason": {"type": "string", "description": "Why, as a Reason without its prefix.", "examples": ["OVERLOADED"]},
            "field": {"type": "string", "description": "The member at fault, as a path from the body."},
            "line": {"type": "integer", "description": "Where a mistake in JSON was seen, from 1."},
            "column": {"type": "integer", "description": "Where a mistake in JSON was seen, in bytes from 1."},
            "retryAfter": {"type": "string", "description": "When the same call is worth trying again.", "examples": ["0.200s"]},
        },
    })
}

fn batch_line() -> Value {
    let options = json!({
        "type": "object",
        "description": "The options of the stream, in its first line only.",
        "properties": {"options": reference("BatchOptions")},
        "required": ["options"],
        "additionalProperties": false,
    });
    json!({"description": "A line: a push, or the options of the stream.", "oneOf": [reference("Push"), options]})
}

fn batch_answer_line() -> Value {
    json!({
        "description": "A line: a message of the answer. The last line has `end`; an answer without it was cut off.",
        "allOf": [reference("SendBatchResponse")],
        "properties": {
            "end": {"type": "boolean", "const": true, "description": "This is the last line."},
            "problem": {
                "description": "Why the stream ended early. Only in the last line.",
                "allOf": [reference("Problem")],
            },
        },
    })
}

fn pushes() -> Value {
    let example = json!({
        "app": "shop",
        "target": {"apns": {"token": "8f7c0a9b2d4e6f108f7c0a9b2d4e6f108f7c0a9b2d4e6f108f7c0a9b2d4e6f10"}},
        "content": {"notification": {"title": "Your order is on its way", "body": "It arrives on Thursday."}},
    });
    json!({"post": {
        "operationId": "sendPushes",
        "summary": "Sends one push, or up to 1,000 of them, and returns their verdicts in the order written.",
        "description": "A single push is sent as SendPush sends it, with the app that it names. What is wrong with one of \
    several pushes is its result; what is wrong with a multicast is wrong with the call.",
        "requestBody": {"required": true, "content": {"application/json": {
            "schema": {"oneOf": [reference("Push"), reference("SendPushesRequest")]},
            "examples": {"one": {"value": example}},
        }}},
        "responses": responses("The verdicts.", "application/json", &json!({
            "oneOf": [reference("PushResult"), reference("SendPushesResponse")],
        })),
    }})
}

fn batch() -> Value {
    json!({"post": {
        "operationId": "sendBatch",
        "summary": "Sends many pushes over one stream; each verdict comes as soon as it is known.",
        "description": "Both bodies are lines of JSON, and go on at the same time: read while you write. A caller that does \
    not read is not read from either. End your body when all is written; everything that was read gets its verdict.",
        "requestBody": {"required": true, "content": {"application/x-ndjson": {"schema": reference("BatchLine")}}},
        "responses": responses("The verdicts, as they come.", "application/x-ndjson", &reference("BatchAnswerLine")),
    }})
}

fn openapi() -> Value {
    json!({"get": {
        "operationId": "openApi",
        "summary": "This description.",
        "security": [{}],
        "responses": {"200": {"description": "It.", "content": {"application/json": {"schema": {"type": "object"}}}}},
    }})
}

fn responses(good: &str, media_type: &str, schema: &Value) -> Value {
    let mut responses = json!({"200": {"description": good, "content": {media_type: {"schema": schema}}}});
    for status in ["400", "401", "403", "406", "408", "413", "415", "429", "500", "503"] {
        responses[status] = json!({"$ref": "#/components/responses/Problem"});
    }
    responses
}
