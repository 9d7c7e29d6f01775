//! The media types of answers.

pub(super) const TEXT: &str = "text/plain; charset=utf-8";

pub(super) const JSON: &str = "application/json";
