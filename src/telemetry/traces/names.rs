//! The names of attributes. Where the log has a short name for something, the field of a span has it as well, and the attribute
//! is named here as OpenTelemetry names it.
//!
//! Source: OpenTelemetry, "Semantic conventions": HTTP client spans, messaging spans, general attributes.

use opentelemetry::Key;
use opentelemetry_sdk::trace::SpanData;

/// The fields of the log, and their attributes. OpenTelemetry has no names for what is the gateway's own, which has the
/// gateway's name in front.
const NAMES: [(&str, &str); 6] = [
    ("id", "messaging.message.id"),
    ("app", "fanfare.app"),
    ("caller", "fanfare.caller"),
    ("provider", "fanfare.provider"),
    ("labels", "fanfare.labels"),
    ("n", "fanfare.attempt"),
];

/// A span has this in its context, and the log has it as a field.
const TRACE_ID: &str = "trace_id";

/// Gives the attributes of a span their names.
pub(super) fn name_attributes(span: &mut SpanData) {
    span.attributes.retain(|attribute| attribute.key.as_str() != TRACE_ID);
    for attribute in &mut span.attributes {
        if let Some((_, name)) = NAMES.iter().find(|(field, _)| *field == attribute.key.as_str()) {
            attribute.key = Key::from_static_str(name);
        }
    }
}
