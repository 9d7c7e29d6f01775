//! The trace that a caller is part of, as the headers of its call say. gRPC's metadata are such headers.
//!
//! Source: W3C, "Trace Context", sections 3.2 and 3.3.

use std::str::FromStr;

use http::{HeaderMap, HeaderName};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A longer `tracestate` is not passed on. Section 3.3.1.5 asks for so many characters at least.
const MAX_STATE_BYTES: usize = 512;

/// The caller's span, of which the call is a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    /// Whether the caller traces.
    pub(super) is_sampled: bool,
}

impl Parent {
    /// Reads `traceparent`. One that is malformed, or that stands there twice, counts as absent, and begins a new trace.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(&TRACEPARENT).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        Self::parse(value.as_bytes())
    }

    /// Reads `00-TRACE-SPAN-FLAGS`. A later version may have more behind that.
    fn parse(text: &[u8]) -> Option<Self> {
        let (head, more) = text.split_at_checked(55)?;
        let is_first_version = head.starts_with(b"00-");
        if (is_first_version && !more.is_empty()) || !(more.is_empty() || more.starts_with(b"-")) {
            return None;
        }
        let [version, trace, span, flags] = [(0, 2), (3, 32), (36, 16), (53, 2)].map(|(at, length)| {
            let digits = head.get(at..at + length)?;
            digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')).then_some(digits)
        });
        let hyphens = [2, 35, 52].iter().all(|at| head.get(*at) == Some(&b'-'));
        if !hyphens || version? == b"ff" {
            return None;
        }
        let number = |digits| u128::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        let trace = TraceId::from(number(trace?)?);
        let span = SpanId::from(u64::try_from(number(span?)?).ok()?);
        let is_sampled = number(flags?)? & 1 == 1;
        (trace != TraceId::INVALID && span != SpanId::INVALID).then_some(Self { trace, span, is_sampled })
    }

    /// The span that a span of this process can be a child of, with what the caller's tracing systems say of it.
    pub(super) fn context(self, headers: &HeaderMap) -> SpanContext {
        let flags = TraceFlags::default().with_sampled(self.is_sampled);
        SpanContext::new(self.trace, self.span, flags, true, state(headers).unwrap_or_default())
    }
}

/// Reads `tracestate`, which may be several headers. What is malformed is not passed on.
fn state(headers: &HeaderMap) -> Option<TraceState> {
    let values: Result<Vec<_>, _> =
        headers.get_all(&TRACESTATE).iter().map(http::HeaderValue::to_str).collect();
    let text = values.ok()?.join(",");
    if text.len() > MAX_STATE_BYTES { None } else { TraceState::from_str(&text).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_parent_is_read_as_w3c_writes_it() {
        let parent = Parent::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(parent.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span.to_string(), "00f067aa0ba902b7");
        assert!(parent.is_sampled);
        for (flags, is_sampled) in [("00", false), ("02", false), ("03", true), ("ff", true)] {
            let text = format!("{}{flags}", &GOOD[..53]);
            assert_eq!(Parent::parse(text.as_bytes()).unwrap().is_sampled, is_sampled, "{flags}");
        }
        // A later version is read as far as it is known.
        let later = format!("cc{}", &GOOD[2..]);
        assert!(Parent::parse(later.as_bytes()).is_some());
        assert!(Parent::parse(format!("{later}-what-follows").as_bytes()).is_some());
    }

    #[test]
    fn a_malformed_parent_is_none() {
        for bad in [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD}-"),
            &format!("{GOOD}-00"),
            &format!("cc{}0", &GOOD[2..]),
            &format!("ff{}", &GOOD[2..]),
            &GOOD.to_uppercase(),
            &GOOD.replace('-', "_"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &GOOD.replace('f', "g"),
            &GOOD.replace("4b", "é"),
        ] {
            assert_eq!(Parent::parse(bad.as_bytes()), None, "{bad}");
        }
        let mut twice = HeaderMap::new();
        twice.append(&TRACEPARENT, GOOD.parse().unwrap());
        assert!(Parent::of(&twice).is_some());
        twice.append(&TRACEPARENT, GOOD.parse().unwrap());
        assert_eq!(Parent::of(&twice), None);
    }

    #[test]
    fn the_state_of_other_systems_is_passed_on_within_bounds() {
        let state_of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(&TRACESTATE, value.parse().unwrap());
            }
            state(&headers).map(|state| state.header())
        };
        assert_eq!(state_of(&["rojo=1", "congo=2"]).as_deref(), Some("rojo=1,congo=2"));
        assert_eq!(state_of(&["no state"]), None);
        assert_eq!(state_of(&[&format!("a={}", "x".repeat(MAX_STATE_BYTES))]), None);
    }
}
