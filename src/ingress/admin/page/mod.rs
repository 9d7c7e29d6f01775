//! The page that shows the status. It is one answer that asks for nothing else but the events: no script, style, font or
//! picture comes from anywhere.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");
const BODY: &str = include_str!("body.html");
const SCRIPT: &str = concat!(
    include_str!("dom.js"),
    include_str!("tables.js"),
    include_str!("plots.js"),
    include_str!("view.js"),
    include_str!("stream.js"),
);

static PAGE: LazyLock<Bytes> = LazyLock::new(|| {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Fanfare</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>{STYLE}</style>\n</head>\n\
         <body>\n{BODY}<script>{SCRIPT}</script>\n</body>\n</html>\n"
    );
    page.into()
});

/// Only the style and the script of the page itself are used, and only this gateway is asked.
/// Source: W3C, "Content Security Policy Level 3", section 2.3.1 for hashes.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    HeaderValue::try_from(policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
});

/// The page. It is the same for everybody.
pub(super) async fn page() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, POLICY.clone()),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, PAGE.clone()).into_response()
}
