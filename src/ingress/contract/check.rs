//! Checks of single values, each with a refusal that names the field, what was found and what was expected.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::de::IgnoredAny;

use crate::push::{InvalidValue, Outcome, Reason, Refusal};

/// A value, or why the message cannot be decoded.
pub(super) type Decoded<T> = Result<T, Refusal>;

pub(super) fn duration(field: &'static str, it: prost_types::Duration) -> Decoded<Duration> {
    let found = format!("{} s and {} ns", it.seconds, it.nanos);
    Duration::try_from(it).map_err(|_| invalid(field, "a duration that is not negative", found))
}

pub(super) fn moment(field: &'static str, it: Option<prost_types::Timestamp>) -> Decoded<Option<SystemTime>> {
    let Some(it) = it else { return Ok(None) };
    let found = format!("{} s and {} ns since 1970", it.seconds, it.nanos);
    let in_range = it.seconds >= 0 && it.seconds <= LAST_SECOND && (0..1_000_000_000).contains(&it.nanos);
    let moment = in_range.then(|| SystemTime::try_from(it).ok()).flatten();
    moment.map(Some).ok_or_else(|| invalid(field, "a moment from 1970 to 9999", found))
}

/// 9999-12-31T23:59:59Z, the last second of google.protobuf.Timestamp.
const LAST_SECOND: i64 = 253_402_300_799;

pub(in super::super) fn known<E: TryFrom<i32>>(field: &'static str, value: i32) -> Decoded<E> {
    E::try_from(value).map_err(|_| invalid(field, "a value of the enum", value.to_string()))
}

pub(super) fn text(field: &'static str, what: &str, value: &str, max: usize) -> Decoded<()> {
    crate::push::visible_ascii(what, value, max).map_err(at(field))
}

pub(super) fn within(field: &'static str, found: usize, most: usize) -> Decoded<()> {
    if found <= most {
        return Ok(());
    }
    Err(Refusal::field(field, Reason::FieldTooLarge, format!("expected at most {most} bytes, found {found}")))
}

pub(super) fn finite(field: &'static str, value: f64) -> Decoded<()> {
    if value.is_finite() { Ok(()) } else { Err(invalid(field, "a finite number", value.to_string())) }
}

pub(super) fn https(field: &'static str, url: &str) -> Decoded<()> {
    let parsed = url.parse::<http::Uri>().ok();
    let good = parsed.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some());
    if good { Ok(()) } else { Err(invalid(field, "an https URL", "something else")) }
}

/// The keys of a JSON object, and whether each has a value, since serializers write `null` for none. None: there is no
/// object.
pub(super) fn json_object(
    field: &'static str,
    json: &str,
) -> Decoded<Option<BTreeMap<String, Option<IgnoredAny>>>> {
    if json.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(json).map(Some).map_err(|error| {
        // The message of serde_json names what it found and repeats nothing of the text, which may be secret.
        Refusal::field(field, Reason::RawBodyInvalid, format!("expected a JSON object: {error}"))
    })
}

pub(super) fn present(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

pub(super) fn at(field: &'static str) -> impl Fn(InvalidValue) -> Refusal {
    move |error| Refusal::value(field, &error)
}

/// Marks the refusal of a malformed device address: the target was never valid.
pub(super) fn malformed(refusal: Refusal) -> Refusal {
    // An absent address is a fault of the push alone, since there is nothing to delete.
    let outcome =
        if refusal.reason == Reason::FieldRequired { refusal.outcome } else { Outcome::InvalidToken };
    Refusal { outcome, ..refusal }
}

pub(super) fn required(field: impl Into<Cow<'static, str>>, what: &str) -> Refusal {
    Refusal::field(field, Reason::FieldRequired, format!("expected {what}, found nothing"))
}

pub(super) fn invalid(field: &'static str, expected: impl AsRef<str>, found: impl AsRef<str>) -> Refusal {
    let detail = format!("expected {}, found {}", expected.as_ref(), found.as_ref());
    Refusal::field(field, Reason::FieldInvalid, detail)
}
