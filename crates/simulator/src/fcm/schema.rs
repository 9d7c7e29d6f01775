//! The JSON form of a send request: which fields exist, and of which types.
//!
//! Source: the discovery document of FCM v1 and firebase/firebase-admin-go, `messaging/messaging.go`.

use serde_json::Value;

/// A field by its name in the proto file. JSON may also write it in lowerCamelCase.
struct Field(&'static str, FieldType);

enum FieldType {
    Str,
    Bool,
    Int,
    Number,
    /// A text such as `"3.5s"`.
    Duration,
    /// A map from strings to strings.
    Map,
    /// Any JSON object.
    Struct,
    Strings,
    Durations,
    Enum(&'static str, &'static [&'static str]),
    Message(&'static [Field]),
}

use FieldType::{Bool, Duration, Durations, Enum, Int, Map, Message, Number, Str, Strings, Struct};

const REQUEST: &[Field] = &[Field("validate_only", Bool), Field("message", Message(MESSAGE))];

const MESSAGE: &[Field] = &[
    Field("name", Str),
    Field("data", Map),
    Field("notification", Message(&[Field("title", Str), Field("body", Str), Field("image", Str)])),
    Field("android", Message(ANDROID)),
    Field("webpush", Message(WEBPUSH)),
    Field("apns", Message(APNS)),
    Field("fcm_options", Message(&[Field("analytics_label", Str)])),
    Field("token", Str),
    Field("topic", Str),
    Field("condition", Str),
    Field("fid", Str),
];

const ANDROID: &[Field] = &[
    Field("collapse_key", Str),
    Field("priority", Enum("AndroidMessagePriority", &["NORMAL", "HIGH"])),
    Field("ttl", Duration),
    Field("restricted_package_name", Str),
    Field("data", Map),
    Field("notification", Message(ANDROID_NOTIFICATION)),
    Field("fcm_options", Message(&[Field("analytics_label", Str)])),
    Field("direct_boot_ok", Bool),
    Field("bandwidth_constrained_ok", Bool),
    Field("restricted_satellite_ok", Bool),
];

const ANDROID_NOTIFICATION: &[Field] = &[
    Field("title", Str),
    Field("body", Str),
    Field("icon", Str),
    Field("color", Str),
    Field("sound", Str),
    Field("tag", Str),
    Field("click_action", Str),
    Field("body_loc_key", Str),
    Field("body_loc_args", Strings),
    Field("title_loc_key", Str),
    Field("title_loc_args", Strings),
    Field("channel_id", Str),
    Field("ticker", Str),
    Field("sticky", Bool),
    Field("event_time", Str),
    Field("local_only", Bool),
    Field(
        "notification_priority",
        Enum(
            "NotificationPriority",
            &[
                "PRIORITY_UNSPECIFIED",
                "PRIORITY_MIN",
                "PRIORITY_LOW",
                "PRIORITY_DEFAULT",
                "PRIORITY_HIGH",
                "PRIORITY_MAX",
            ],
        ),
    ),
    Field("default_sound", Bool),
    Field("default_vibrate_timings", Bool),
    Field("default_light_settings", Bool),
    Field("vibrate_timings", Durations),
    Field("visibility", Enum("Visibility", &["VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"])),
    Field("notification_count", Int),
    Field("light_settings", Message(LIGHT)),
    Field("image", Str),
    Field("bypass_proxy_notification", Bool),
    Field("proxy", Enum("Proxy", &["PROXY_UNSPECIFIED", "ALLOW", "DENY", "IF_PRIORITY_LOWERED"])),
];

const LIGHT: &[Field] = &[
    Field(
        "color",
        Message(&[
            Field("red", Number),
            Field("green", Number),
            Field("blue", Number),
            Field("alpha", Number),
        ]),
    ),
    Field("light_on_duration", Duration),
    Field("light_off_duration", Duration),
];

const WEBPUSH: &[Field] = &[
    Field("headers", Map),
    Field("data", Map),
    Field("notification", Struct),
    Field("fcm_options", Message(&[Field("link", Str), Field("analytics_label", Str)])),
];

const APNS: &[Field] = &[
    Field("headers", Map),
    Field("payload", Struct),
    Field("fcm_options", Message(&[Field("analytics_label", Str), Field("image", Str)])),
    Field("live_activity_token", Str),
];

/// A field that does not fit, and the sentence in which Google says so.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldError {
    pub(super) field: String,
    pub(super) sentence: String,
}

/// Checks that a request has only fields that exist, of the right types.
pub(super) fn check(request: &Value) -> Result<(), FieldError> {
    message(request, "", REQUEST)
}

/// Returns the value of a field in either spelling. A null counts as absent.
pub(super) fn get<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.get(camel(name))).filter(|value| !value.is_null())
}

/// Returns the seconds of a text such as `"3.5s"`. Source: google/protobuf/duration.proto.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let number = text.strip_suffix('s')?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    number.parse().ok().filter(|_| plain)
}

fn message(value: &Value, path: &str, fields: &[Field]) -> Result<(), FieldError> {
    let Some(object) = value.as_object() else { return wrong(path, "Message", value) };
    for (name, value) in object {
        let known = fields.iter().find(|Field(known, _)| known == name || camel(known) == *name);
        let Some(Field(known, field_type)) = known else {
            let at = if path.is_empty() { String::new() } else { format!(" at '{path}'") };
            let sentence =
                format!("Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field.");
            return Err(FieldError { field: path.to_owned(), sentence });
        };
        let path = if path.is_empty() { (*known).to_owned() } else { format!("{path}.{known}") };
        if !value.is_null() {
            of_type(value, &path, field_type)?;
        }
    }
    Ok(())
}

fn of_type(value: &Value, path: &str, field_type: &FieldType) -> Result<(), FieldError> {
    match field_type {
        Str if !value.is_string() => wrong(path, "TYPE_STRING", value),
        Bool if !value.is_boolean() => wrong(path, "TYPE_BOOL", value),
        Int if !value.is_i64() && !is_number_text(value) => wrong(path, "TYPE_INT32", value),
        Number if !value.is_number() && !is_number_text(value) => wrong(path, "TYPE_FLOAT", value),
        Duration if value.as_str().and_then(seconds).is_none() => {
            wrong(path, "type.googleapis.com/google.protobuf.Duration", value)
        }
        Struct if !value.is_object() => wrong(path, "type.googleapis.com/google.protobuf.Struct", value),
        Enum(name, members) if !is_member(value, members) => {
            wrong(path, &format!("type.googleapis.com/google.firebase.fcm.v1.{name}"), value)
        }
        Str | Bool | Int | Number | Duration | Struct | Enum(..) => Ok(()),
        Map => {
            let Some(map) = value.as_object() else { return wrong(path, "Map", value) };
            let entries = map.values().enumerate();
            entries
                .into_iter()
                .find(|(_, value)| !value.is_string())
                .map_or(Ok(()), |(at, value)| wrong(&format!("{path}[{at}].value"), "TYPE_STRING", value))
        }
        Strings => each(value, path, &Str),
        Durations => each(value, path, &Duration),
        Message(fields) => message(value, path, fields),
    }
}

fn each(value: &Value, path: &str, field_type: &FieldType) -> Result<(), FieldError> {
    let Some(items) = value.as_array() else { return wrong(path, "List", value) };
    items.iter().enumerate().try_for_each(|(at, item)| of_type(item, &format!("{path}[{at}]"), field_type))
}

/// Members may be in any case, as firebase-admin for Java and for Node write some of them, or given by number.
fn is_member(value: &Value, members: &[&str]) -> bool {
    match value {
        Value::String(text) => members.iter().any(|member| member.eq_ignore_ascii_case(text)),
        Value::Number(number) => number.as_u64().is_some_and(|number| number < members.len() as u64),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn is_number_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<f64>().is_ok())
}

fn wrong(path: &str, field_type: &str, value: &Value) -> Result<(), FieldError> {
    let sentence = format!("Invalid value at '{path}' ({field_type}), {value}");
    Err(FieldError { field: path.to_owned(), sentence })
}

fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        if letter == '_' {
            upper = true;
        } else {
            camel.push(if upper { letter.to_ascii_uppercase() } else { letter });
            upper = false;
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_spellings_and_null_are_good() {
        let request = json!({
            "validateOnly": null,
            "message": { "token": "t", "android": { "collapseKey": "a", "direct_boot_ok": true, "ttl": "3.5s" } },
        });
        assert_eq!(check(&request), Ok(()));
    }

    #[test]
    fn the_names_of_enums_may_be_in_any_case() {
        let visible = |value: Value| {
            check(&json!({ "message": { "android": { "notification": { "visibility": value } } } })).is_ok()
        };
        for value in [json!("PUBLIC"), json!("public"), json!("Public"), json!(2)] {
            assert!(visible(value.clone()), "{value}");
        }
        for value in [json!("published"), json!(4), json!(true)] {
            assert!(!visible(value.clone()), "{value}");
        }
        let message = json!({ "android": { "priority": "high", "notification": {
            "notification_priority": "priority_max", "proxy": "if_priority_lowered",
        } } });
        assert_eq!(check(&json!({ "message": message })), Ok(()));
    }

    #[test]
    fn a_misfit_names_its_field_as_google_does() {
        let data = check(&json!({ "message": { "data": { "a": "b", "c": 1 } } })).unwrap_err();
        assert_eq!(data.field, "message.data[1].value");
        assert_eq!(data.sentence, "Invalid value at 'message.data[1].value' (TYPE_STRING), 1");
        let unknown = check(&json!({ "message": { "to": "b" } })).unwrap_err();
        assert_eq!(unknown.field, "message");
        assert!(unknown.sentence.contains("Unknown name \"to\" at 'message': Cannot find field."));
        for ttl in ["3", "s", "1es", "infs", "three s"] {
            assert!(check(&json!({ "message": { "android": { "ttl": ttl } } })).is_err(), "{ttl}");
        }
    }
}
