//! The messages and enums of the contract as JSON Schema, as ProtoJSON writes them.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};
use serde_json::{Map, Value, json};

use super::comments::Comments;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From the caller. It has no other members than these.
    In,
    /// To the caller. Later contracts may give it more members.
    Out,
}

/// The schemas of messages, and of everything that they are made of.
pub(super) struct Schemas<'a> {
    comments: &'a Comments,
    pub(super) found: Map<String, Value>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(comments: &'a Comments) -> Self {
        Self { comments, found: Map::new() }
    }

    /// Adds a message, unless it is there already.
    pub(super) fn add(&mut self, message: &MessageDescriptor, way: Way) {
        if self.found.contains_key(message.name()) {
            return;
        }
        // It may be a part of what it is made of.
        self.found.insert(message.name().to_owned(), Value::Null);
        let schema = self.message(message, way);
        self.found.insert(message.name().to_owned(), schema);
    }

    fn message(&mut self, message: &MessageDescriptor, way: Way) -> Value {
        let comment = self.comments.at(message.path());
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("description".to_owned(), json!(comment));
        let fields: Vec<_> = message.fields().collect();
        let properties = fields.iter().map(|field| (field.json_name().to_owned(), self.field(field, way)));
        schema.insert("properties".to_owned(), Value::Object(properties.collect()));
        let is_required = |field: &&FieldDescriptor| self.comments.at(field.path()).contains("Required.");
        let required: Vec<_> = fields.iter().filter(is_required).map(FieldDescriptor::json_name).collect();
        if way == Way::In {
            schema.insert("additionalProperties".to_owned(), json!(false));
            if !required.is_empty() {
                schema.insert("required".to_owned(), json!(required));
            }
        }
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let members: Vec<_> = oneof.fields().collect();
            if members.len() == fields.len() {
                schema.insert("minProperties".to_owned(), json!(1));
                schema.insert("maxProperties".to_owned(), json!(1));
            } else {
                schema.insert("not".to_owned(), two_of(&oneof));
            }
        }
        Value::Object(schema)
    }

    fn field(&mut self, field: &FieldDescriptor, way: Way) -> Value {
        let kind = field.kind();
        let mut schema = if let Some(entry) = kind.as_message().filter(|_| field.is_map()) {
            let values = self.kind(&entry.map_entry_value_field().kind(), way);
            json!({"type": "object", "additionalProperties": values})
        } else if field.is_list() {
            json!({"type": "array", "items": self.kind(&kind, way)})
        } else {
            self.kind(&kind, way)
        };
        schema["description"] = json!(self.comments.at(field.path()));
        schema
    }

    /// Source: protobuf.dev, "ProtoJSON Format".
    fn kind(&mut self, kind: &Kind, way: Way) -> Value {
        match kind {
            Kind::Message(message) => match message.full_name() {
                "google.protobuf.Duration" => {
                    json!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$", "examples": ["3.5s"]})
                }
                "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
                _ => {
                    self.add(message, way);
                    reference(message.name())
                }
            },
            Kind::Enum(values) => {
                self.found.insert(values.name().to_owned(), self.values(values));
                reference(values.name())
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => match way {
                Way::In => json!({"type": ["string", "integer"], "format": "int64"}),
                Way::Out => json!({"type": "string", "format": "int64"}),
            },
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({"type": "integer", "format": "int32"}),
            Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "minimum": 0}),
            Kind::Double | Kind::Float => json!({"type": "number"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        }
    }

    fn values(&self, values: &EnumDescriptor) -> Value {
        let names: Vec<_> = values.values().map(|value| value.name().to_owned()).collect();
        let mut description = self.comments.at(values.path()).to_owned();
        for value in values.values() {
            let comment = self.comments.at(value.path()).replace('\n', "\n  ");
            description.push_str(&format!("\n\n- `{}`: {comment}", value.name()));
        }
        json!({"type": "string", "enum": names, "description": description})
    }
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A message that has two members of a oneof.
fn two_of(oneof: &OneofDescriptor) -> Value {
    let members: Vec<_> = oneof.fields().collect();
    let mut pairs = Vec::new();
    for (at, one) in members.iter().enumerate() {
        let others = members.iter().skip(at + 1);
        pairs.extend(others.map(|other| json!({"required": [one.json_name(), other.json_name()]})));
    }
    json!({"anyOf": pairs})
}
