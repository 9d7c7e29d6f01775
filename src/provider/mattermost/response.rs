//! What an answer of a push proxy means. It never fails, whatever the bytes.
//!
//! Source: github.com/mattermost/mattermost-push-proxy, `server/`; its answers as recorded in
//! `crates/simulator/tests/data/mattermost-push-proxy.json`.

use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;

use super::sentences::{FAILED_DELAY, by_sentence};
use crate::provider::front::{FOREIGN, doubt, in_doubt, unreadable};
use crate::provider::meaning::{Meaning, credential, every, gone, limited, ours, plain, unavailable};
use crate::provider::retry_after::retry_after;
use crate::provider::words::{is_page, object, read, title, words};
use crate::provider::{Front502, Heal, Pace, Reply, Retry, Verdict};
use crate::push::{Outcome, TokenAction};

/// Every answer that a push proxy is known to give. The sentences behind FAIL have no end, so that their verdicts tell them
/// apart.
pub(super) fn known() -> Vec<(u16, &'static str)> {
    const KNOWN: &[(u16, &[&str])] = &[
        (200, &["", "REMOVE", "FAIL", "Quota exceeded", "Auth error from APNS or Web Push Service"]),
        (404, &[]),
        (413, &[]),
        (429, &[]),
        (500, &[]),
        (502, &[]),
        (503, &[]),
        (504, &[]),
    ];
    every(KNOWN)
}

/// The wait after the proxy's throttle answered without naming a wait. The throttle counts by the second.
const RATE_DELAY: Duration = Duration::from_secs(1);

/// What an answer means that came at `now`.
pub(super) fn classify(reply: &Reply, front_502: Front502, now: SystemTime) -> Verdict {
    let body = ReplyBody::read(reply);
    let status = reply.status.as_u16();
    let meaning = if status == 200 { by_word(&body) } else { by_status(status, front_502) };
    let verdict = meaning.verdict(&body.reason());
    Verdict { retry: verdict.retry.asked_to_wait(retry_after(&reply.fields, now)), ..verdict }
}

/// The body of an answer: a word that says whether the push was sent, and a sentence that says why not.
#[derive(Debug, Default)]
struct ReplyBody {
    status: String,
    error: String,
    /// What the body says where it is not the proxy's own JSON.
    words: String,
}

impl ReplyBody {
    fn read(reply: &Reply) -> Self {
        /// Each member is read by itself, so that a malformed one does not hide the other.
        #[derive(Default, serde::Deserialize)]
        struct Members<'a> {
            #[serde(borrow)]
            status: Option<&'a RawValue>,
            #[serde(borrow)]
            error: Option<&'a RawValue>,
        }
        let Members { status, error } = object(&reply.body).unwrap_or_default();
        match status.and_then(read) {
            Some(status) => {
                Self { status, error: error.and_then(read).unwrap_or_default(), words: String::new() }
            }
            None => Self { words: words(reply), ..Self::default() },
        }
    }

    fn reason(&self) -> String {
        match (self.status.as_str(), self.error.as_str()) {
            ("OK", _) => String::new(),
            ("", _) => self.words.clone(),
            (status, "") => status.to_owned(),
            // The proxy passes on a whole page of FCM's as its error.
            (_, page) if is_page(page.as_bytes()) => title(page).unwrap_or_default(),
            (_, error) => error.to_owned(),
        }
    }
}

/// The response body decides: the proxy answers 200 even when a push failed.
fn by_word(body: &ReplyBody) -> Meaning {
    match body.status.as_str() {
        "OK" => plain(Outcome::Accepted, TokenAction::Keep, ""),
        // The proxy says REMOVE for a wrong topic, environment or project as well.
        "REMOVE" => gone("the push service behind the proxy does not know the device (any more)"),
        "FAIL" => by_sentence(&body.error),
        _ => unreadable(
            "the proxy answered with 200, and not whether it sent the push; check its address where this stays",
        ),
    }
}

/// An answer that is not 200 comes from the proxy's throttle or router, from a panic of the proxy, or from what stands
/// before it.
fn by_status(status: u16, front_502: Front502) -> Meaning {
    match status {
        // The request was not received whole. Source: RFC 9110, section 15.5.9.
        408 => failed("the proxy did not wait for the whole request"),
        413 => plain(
            Outcome::PayloadTooLarge,
            TokenAction::Keep,
            "the push is over the proxy's limit; make it smaller",
        ),
        429 => limited(RATE_DELAY, Pace::Sender, "the proxy asks to slow down"),
        300..400 | 401 | 403..=405 | 407 => credential(
            "this is not where a push proxy answers; correct its address, or what stands before it",
        ),
        // The proxy would say with 200 what is wrong with a push, so this refusal is not the proxy's.
        400..500 => FOREIGN,
        // No connection was made. Source: RFC 9110, section 15.6.4; for the others Cloudflare, "Cloudflare 5xx errors".
        503 | 521 | 523 | 525 | 526 => failed("what stands before the proxy could not reach it"),
        500.. => in_doubt(status, front_502).unwrap_or(doubt(
            Retry::After(FAILED_DELAY),
            "the proxy failed, or what stands before it, and may have passed the push on",
        )),
        // A 2xx does not prove a refusal, so the push may have been taken.
        200..300 => {
            unreadable("the answer says that all is well, and not as a push proxy says it; check its address")
        }
        0..200 => ours("the answer is none that a push proxy gives; check its address"),
    }
}

const fn failed(detail: &'static str) -> Meaning {
    unavailable(Retry::After(FAILED_DELAY), Heal::Nothing, detail)
}
