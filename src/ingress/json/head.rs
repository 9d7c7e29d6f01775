//! What the head of a call says of media types.

use http::{HeaderMap, StatusCode, header};

use super::problem::Problem;
use crate::push::Reason;

/// What a path takes and gives.
#[derive(Debug, Clone, Copy)]
pub(super) struct MediaTypes {
    /// The media types of bodies. The first one is named where another is found.
    pub(super) takes: &'static [&'static str],
    /// The media type of answers.
    pub(super) gives: &'static str,
}

pub(super) const JSON: MediaTypes = MediaTypes { takes: &["application/json"], gives: "application/json" };

/// Lines of JSON. Nobody has registered one of their names. Source: github.com/ndjson/ndjson-spec, and jsonlines.org.
pub(super) const LINES: MediaTypes =
    MediaTypes { takes: &["application/x-ndjson", "application/jsonl"], gives: "application/x-ndjson" };

impl MediaTypes {
    /// Fails where the body is of another media type, or the caller takes no answer of this one.
    pub(super) fn check(self, headers: &HeaderMap) -> Result<(), Problem> {
        let Self { takes, gives } = self;
        let said = headers.get(header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
        if !takes
            .iter()
            .any(|taken| said.is_some_and(|said| essence(said).eq_ignore_ascii_case(taken.as_bytes())))
        {
            let found = if said.is_none() { "none" } else { "another" };
            let detail =
                format!("expected content-type {}, found {found}; nothing was sent", takes.join(" or "));
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(Reason::NotSupported), detail));
        }
        let mut ranges = headers
            .get_all(header::ACCEPT)
            .iter()
            .flat_map(|field| field.as_bytes().split(|byte| *byte == b','))
            .peekable();
        if ranges.peek().is_some() && !ranges.any(|range| includes(range, gives)) {
            let detail = format!("the answer would be {gives}, which accept does not name; nothing was sent");
            return Err(Problem::new(StatusCode::NOT_ACCEPTABLE, Some(Reason::NotSupported), detail));
        }
        Ok(())
    }
}

/// A media type without its parameters.
fn essence(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// Whether a range of `accept` includes a media type. Weights only order what is taken, but for 0, which nobody says.
/// Source: RFC 9110, section 12.5.1.
fn includes(range: &[u8], media_type: &str) -> bool {
    let range = essence(range);
    let kind = media_type.split('/').next().unwrap_or_default();
    range == b"*/*"
        || range.eq_ignore_ascii_case(media_type.as_bytes())
        || range.strip_suffix(b"/*").is_some_and(|range| range.eq_ignore_ascii_case(kind.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[(header::HeaderName, &str)]) -> StatusCode {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value.parse().unwrap());
        }
        JSON.check(&headers).map_or_else(|problem| problem.status(), |()| StatusCode::OK)
    }

    #[test]
    fn bodies_are_of_the_named_media_type_whatever_its_parameters() {
        for said in ["application/json", "Application/JSON", "application/json; charset=utf-8"] {
            assert_eq!(check(&[(header::CONTENT_TYPE, said)]), StatusCode::OK, "{said}");
        }
        for said in ["", "text/plain", "application/x-www-form-urlencoded", "application/json-seq"] {
            let found = check(&[(header::CONTENT_TYPE, said)]);
            assert_eq!(found, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{said}");
        }
        assert_eq!(check(&[]), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }

    #[test]
    fn an_answer_is_given_to_those_who_take_it() {
        let accept = |said| check(&[(header::CONTENT_TYPE, "application/json"), (header::ACCEPT, said)]);
        for said in ["*/*", "application/*", "text/html, application/json;q=0.5", "APPLICATION/json"] {
            assert_eq!(accept(said), StatusCode::OK, "{said}");
        }
        for said in ["text/html", "application/xml", "text/*"] {
            assert_eq!(accept(said), StatusCode::NOT_ACCEPTABLE, "{said}");
        }
    }
}
