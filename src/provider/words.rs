//! The words for people in an answer, wherever they stand: in a sentence, in the title of a page, in JSON, or in a
//! challenge. Every provider reads them here.

use fanfare_upstream::Fields;
use serde_json::value::RawValue;

use super::Reply;

/// Whether the body is a page (HTML or XML). Of the push services that the gateway knows, only Google's for browsers
/// answers with one; any other page comes from something in front of the service.
pub(super) fn is_page(body: &[u8]) -> bool {
    without_mark(body).trim_ascii_start().starts_with(b"<")
}

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body)
}

/// The words of an answer. The first of these counts that says something: a sentence in JSON, the title of a page, the
/// first line of a text, or a challenge.
pub(super) fn words(reply: &Reply) -> String {
    let body = &reply.body;
    let said = if is_page(body) { title(&String::from_utf8_lossy(body)) } else { in_text(body) };
    said.or_else(|| challenge(&reply.fields)).unwrap_or_default()
}

/// The title of a page. Google's push service for browsers, and most fronts, say there what is wrong.
///
/// Source: github.com/GoogleChromeLabs/web-push-codelab, issue 23.
pub(super) fn title(page: &str) -> Option<String> {
    // The lower-case copy has the same bytes at the same places as the page.
    let lower = page.to_ascii_lowercase();
    let tag = lower.find("<title")?;
    let begin = tag + lower[tag..].find('>')? + 1;
    let end = begin + lower[begin..].find("</title")?;
    // A title may be broken over lines.
    let words: Vec<_> = page[begin..end].split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn in_text(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let line =
        if text.starts_with(['{', '[']) { json(text)? } else { text.lines().next()?.trim().to_owned() };
    (!line.is_empty()).then_some(line)
}

/// The members of JSON errors that hold a sentence; the one that says most comes first.
///
/// Sources: RFC 6749, section 5.2 (`error_description`, `error`); RFC 9457, section 3.1 (`detail`, `title`);
/// github.com/binwiederhier/ntfy, issue 664 (`error`); Amazon API Gateway, "Gateway response types" (`message`).
fn json(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Members<'a> {
        #[serde(borrow)]
        error_description: Option<&'a RawValue>,
        #[serde(borrow)]
        error: Option<&'a RawValue>,
        #[serde(borrow)]
        message: Option<&'a RawValue>,
        #[serde(borrow)]
        detail: Option<&'a RawValue>,
        #[serde(borrow)]
        title: Option<&'a RawValue>,
    }
    let Members { error_description, error, message, detail, title } = serde_json::from_str(text).ok()?;
    let members = [error_description, error, message, detail, title].into_iter().flatten();
    members.filter_map(read::<String>).find(|it| !it.is_empty())
}

/// The members of a JSON object. An array is not an object, although serde would read its elements as members in order.
pub(super) fn object<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    let body = without_mark(body);
    body.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(body).ok()).flatten()
}

/// One member of JSON, where it has the type that is asked for. A malformed member does not hide the others.
pub(super) fn read<'a, T: serde::Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

/// What a challenge says was wrong with the credential.
///
/// Source: RFC 6750, section 3 (`error_description`, `error`).
fn challenge(fields: &Fields) -> Option<String> {
    let values = || fields.get_all("www-authenticate").filter(|value| value.is_ascii());
    let all = || values().filter_map(|value| std::str::from_utf8(value).ok());
    let named = |name| all().find_map(|challenge| parameter(challenge, name));
    named("error_description").or_else(|| named("error"))
}

/// The value of a challenge's parameter, quoted or not. Source: RFC 9110, sections 5.6.6 and 11.2.
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let lower = challenge.to_ascii_lowercase();
    let begins = lower.match_indices(name).map(|(at, _)| at);
    let mut begins = begins.filter(|at| challenge[..*at].ends_with([' ', ',', '\t']) || *at == 0);
    let value =
        begins.find_map(|at| challenge[at + name.len()..].trim_start().strip_prefix('='))?.trim_start();
    let Some(quoted) = value.strip_prefix('"') else {
        let token = value.split([',', ' ', '\t']).next().unwrap_or_default();
        return (!token.is_empty()).then(|| token.to_owned());
    };
    let mut said = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next().filter(|character| *character != '"') {
        said.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    (!said.is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::provider::replies::reply;

    fn said(challenge: &str, body: impl Into<Bytes>) -> String {
        words(&reply(401, &[("www-authenticate", challenge)], body))
    }

    #[test]
    fn the_title_of_a_page_is_what_it_says() {
        for (page, title) in [
            ("<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>", "Error 404 (Not Found)!!1"),
            ("\u{feff} <HTML><HEAD>\n<TITLE lang=\"en\">\n 502\n Bad Gateway </TITLE>", "502 Bad Gateway"),
            ("<html><body>no title</body>", ""),
            ("<title>no end", ""),
            ("<title", ""),
            ("<title></title>", ""),
        ] {
            assert!(is_page(page.as_bytes()));
            assert_eq!(said("", page), title, "{page}");
        }
        assert_eq!(said("", &b"<title>Zugriff \xfcber</title>"[..]), "Zugriff \u{fffd}ber");
    }

    #[test]
    fn json_says_it_in_one_of_several_members() {
        for (json, sentence) in [
            (
                r#"{"code":42908,"http":429,"error":"limit reached: daily message quota reached"}"#,
                "limit reached: daily message quota reached",
            ),
            (r#"{"error":"invalid_grant","error_description":"Invalid JWT"}"#, "Invalid JWT"),
            (r#"{"error":{"message":"inside"},"message":"Forbidden"}"#, "Forbidden"),
            (r#"{"title":"Not here","detail":"Gone \"away\"","error":null}"#, "Gone \"away\""),
            (r#"{"error":7}"#, ""),
            ("[]", ""),
            ("{", ""),
        ] {
            assert_eq!(said("", json), sentence, "{json}");
        }
    }

    #[test]
    fn an_object_is_no_array_and_may_have_a_mark_before_it() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Members {
            reason: Option<String>,
        }
        let read = |body: &str| object::<Members>(body.as_bytes()).map(|members| members.reason);
        for body in [r#"{"reason":"A"}"#, "\u{feff}{\"reason\":\"A\"}", "\r\n {\"reason\":\"A\"} "] {
            assert_eq!(read(body), Some(Some("A".to_owned())), "{body}");
        }
        for body in ["", "\u{feff}", r#"["A"]"#, "[null]", "null", "7", r#""A""#, "{"] {
            assert_eq!(read(body), None, "{body}");
        }
    }

    #[test]
    fn a_text_is_its_first_line_and_comes_before_a_challenge() {
        assert_eq!(said("Bearer error=\"x\"", " UnauthorizedRegistration\nmore"), "UnauthorizedRegistration");
        assert_eq!(said("", &b"\xff\xfe"[..]), "");
    }

    #[test]
    fn a_challenge_says_what_was_wrong() {
        for (challenge, sentence) in [
            (
                "Bearer error=\"invalid_request\",error_description=\"Malformed Crypto-Key Value\"",
                "Malformed Crypto-Key Value",
            ),
            ("Bearer realm=\"error=x\", Error = invalid_token, more=1", "invalid_token"),
            ("Bearer error_description=\"a \\\"b\\\" c", "a \"b\" c"),
            ("Bearer error_description=\"\", error=\"e\"", "e"),
            ("vapid", ""),
            ("error=", ""),
        ] {
            assert_eq!(said(challenge, ""), sentence, "{challenge}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            challenge in "[ -~]{0,60}|(error(_description)?|[ =,\"\\\\]){0,12}",
            body in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "(<title|>|</title|é|<| ){0,12}".prop_map(String::into_bytes),
            ],
        ) {
            said(&challenge, body);
        }
    }
}
