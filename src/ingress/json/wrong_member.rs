//! Which member of JSON is wrong, what the contract has there, and of what kind is what was found instead.

use std::borrow::Cow;

use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;
use serde_path_to_error::{Path, Segment, Track};

/// How similar a known name must be to be what was meant.
const NEAR: f64 = 0.8;

/// An unknown name is repeated up to so many characters.
const MAX_NAME: usize = 64;

/// What stands at a path, as far as the contract knows.
enum Place {
    Message(MessageDescriptor),
    List(Kind),
    Map(Kind),
    One(Kind),
    Unknown,
}

impl Place {
    fn of(field: &FieldDescriptor) -> Self {
        let kind = field.kind();
        match kind.as_message().filter(|_| field.is_map()) {
            Some(entry) => Self::Map(entry.map_entry_value_field().kind()),
            None if field.is_list() => Self::List(kind),
            None => Self::of_kind(kind),
        }
    }

    fn of_kind(kind: Kind) -> Self {
        match kind.as_message().filter(|message| expected_of_well_known(message).is_none()) {
            Some(message) => Self::Message(message.clone()),
            None => Self::One(kind),
        }
    }

    fn below(self, segment: &Segment) -> Self {
        match (self, segment) {
            (Self::Message(message), Segment::Map { key }) => {
                member(&message, key).map_or(Self::Unknown, |field| Self::of(&field))
            }
            (Self::Map(kind), Segment::Map { .. }) | (Self::List(kind), Segment::Seq { .. }) => {
                Self::of_kind(kind)
            }
            _ => Self::Unknown,
        }
    }
}

fn member(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name))
}

/// The path of the member that is wrong, and what is wrong with it. `found` is what the JSON says.
pub(super) fn wrong_member(of: &MessageDescriptor, json: &str, found: &Value) -> (String, String) {
    let mut track = Track::new();
    let mut source = serde_json::Deserializer::from_str(json);
    // It fails as it did before, and this time it is known where.
    let _again = DynamicMessage::deserialize(
        of.clone(),
        serde_path_to_error::Deserializer::new(&mut source, &mut track),
    );
    let path = track.path();
    let found = path.iter().try_fold(found, |value, segment| match segment {
        Segment::Map { key } => value.get(key),
        Segment::Seq { index } => value.get(index),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    let found = found.unwrap_or(&Value::Null);
    let place = path.iter().fold(Place::of_kind(Kind::Message(of.clone())), Place::below);
    match (&place, found) {
        (Place::Message(message), Value::Object(members)) => {
            match members.keys().find(|name| member(message, name).is_none()) {
                Some(unknown) => (below(&path, unknown), unknown_member(message, unknown)),
                None => (written(&path), "expected each member once, found one again".to_owned()),
            }
        }
        _ => (written(&path), format!("expected {}, found {}", expected(&place), kind_of(&place, found))),
    }
}

fn written(path: &Path) -> String {
    // The empty path is written as a dot.
    Some(path.to_string()).filter(|text| text != ".").unwrap_or_default()
}

fn below(path: &Path, name: &str) -> String {
    let (path, name) = (written(path), cut(name));
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn cut(name: &str) -> &str {
    name.char_indices().nth(MAX_NAME).map_or(name, |(at, _)| &name[..at])
}

/// Suggests the known name that is most similar.
fn unknown_member(message: &MessageDescriptor, name: &str) -> String {
    let fields: Vec<_> = message.fields().collect();
    let known = fields.iter().map(|field| (strsim::jaro_winkler(name, field.json_name()), field.json_name()));
    let near = known.filter(|(near, _)| *near > NEAR).max_by(|(one, _), (other, _)| one.total_cmp(other));
    let meant = near.map(|(_, name)| format!(" (did you mean `{name}`?)")).unwrap_or_default();
    format!("there is no such member{meant}")
}

fn expected(place: &Place) -> Cow<'static, str> {
    match place {
        Place::Message(_) | Place::Map(_) => "an object".into(),
        Place::List(_) => "a list".into(),
        Place::One(Kind::Message(message)) => expected_of_well_known(message).unwrap_or("an object").into(),
        Place::One(Kind::Enum(values)) => one_of(values).into(),
        Place::One(Kind::String) => "a string".into(),
        Place::One(Kind::Bytes) => "bytes as base64 in a string".into(),
        Place::One(Kind::Bool) => "true or false".into(),
        Place::One(Kind::Double | Kind::Float) => "a number".into(),
        Place::One(Kind::Int32 | Kind::Sint32 | Kind::Sfixed32) => "a whole number of 32 bits".into(),
        Place::One(Kind::Uint32 | Kind::Fixed32) => "a whole number of 32 bits that is not negative".into(),
        Place::One(Kind::Int64 | Kind::Sint64 | Kind::Sfixed64) => "a whole number of 64 bits".into(),
        Place::One(Kind::Uint64 | Kind::Fixed64) => "a whole number of 64 bits that is not negative".into(),
        Place::Unknown => "something else".into(),
    }
}

/// How the types are written that ProtoJSON writes in a form of their own.
fn expected_of_well_known(message: &MessageDescriptor) -> Option<&'static str> {
    match message.full_name() {
        "google.protobuf.Duration" => Some("a duration in seconds such as \"3.5s\""),
        "google.protobuf.Timestamp" => Some("a moment such as \"2026-01-31T08:00:00Z\""),
        _ => None,
    }
}

fn one_of(values: &EnumDescriptor) -> String {
    let values: Vec<_> = values.values().map(|value| value.name().to_owned()).collect();
    format!("one of {}", values.join(", "))
}

/// Of what kind a value is, without the value.
fn kind_of(place: &Place, found: &Value) -> &'static str {
    let (strings, numbers) = match place {
        Place::One(Kind::String) => (false, false),
        Place::One(Kind::Bytes | Kind::Enum(_) | Kind::Message(_)) => (true, false),
        Place::One(_) => (true, true),
        Place::Message(_) | Place::List(_) | Place::Map(_) | Place::Unknown => (false, false),
    };
    match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) if numbers => "another number",
        Value::Number(_) => "a number",
        Value::String(_) if strings => "another string",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
