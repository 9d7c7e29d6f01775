//! What an answer of a push proxy means. Never fails, whatever the bytes.
//!
//! Source: github.com/mattermost/mattermost-push-proxy, `server/`; its answers as recorded in
//! `crates/simulator/tests/data/mattermost-push-proxy.json`.

use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;

use super::sentences::{FAILED_DELAY, by_sentence};
use crate::provider::front::{FOREIGN, doubt, in_doubt, unreadable};
use crate::provider::meaning::{Meaning, credential, gone, limited, ours, plain, unavailable};
use crate::provider::retry_after::retry_after;
use crate::provider::words::{is_page, object, read, title, words};
use crate::provider::{Front502, Heal, Reply, ReplyContext, Retry, Verdict};
use crate::push::{Outcome, TokenAction};

/// The wait after a throttle that names none: it counts by the second.
const RATE_DELAY: Duration = Duration::from_secs(1);

/// What an answer that came at `now` means.
#[must_use]
pub fn classify(reply: &Reply, context: ReplyContext, now: SystemTime) -> Verdict {
    let said = Said::read(reply);
    let status = reply.status().as_u16();
    let meaning = if status == 200 { by_word(&said) } else { by_status(status, context.front_502) };
    let verdict = meaning.verdict(&said.reason());
    Verdict { retry: verdict.retry.asked_to_wait(retry_after(reply.headers(), now)), ..verdict }
}

/// What the body of an answer says.
#[derive(Debug, Default)]
struct Said {
    status: String,
    error: String,
    /// What a body says that is not the proxy's.
    words: String,
}

impl Said {
    fn read(reply: &Reply) -> Self {
        /// Each member is read by itself, so that an odd one does not take the other away.
        #[derive(Default, serde::Deserialize)]
        struct Members<'a> {
            #[serde(borrow)]
            status: Option<&'a RawValue>,
            #[serde(borrow)]
            error: Option<&'a RawValue>,
        }
        let Members { status, error } = object(reply.body()).unwrap_or_default();
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
            // The proxy passes a page of FCM's on, whole.
            (_, page) if is_page(page.as_bytes()) => title(page).unwrap_or_default(),
            (_, error) => error.to_owned(),
        }
    }
}

/// HTTP 200 alone says nothing: the word in the body decides.
fn by_word(said: &Said) -> Meaning {
    match said.status.as_str() {
        "OK" => plain(Outcome::Accepted, TokenAction::Keep, ""),
        // It stands for a wrong topic, environment or project as well.
        "REMOVE" => gone("the push service behind the proxy does not know the device (any more)"),
        "FAIL" => by_sentence(&said.error),
        _ => unreadable(
            "the proxy answered with 200, and not whether it sent the push; check its address where this stays",
        ),
    }
}

/// What is not 200 comes from the proxy's throttle and router, from a panic of its own, or from what stands before it.
fn by_status(status: u16, front_502: Front502) -> Meaning {
    match status {
        // Source: RFC 9110, section 15.5.9: it was not received whole.
        408 => failed("the proxy did not wait for the whole request"),
        413 => plain(
            Outcome::PayloadTooLarge,
            TokenAction::Keep,
            "the push is over the proxy's limit; make it smaller",
        ),
        429 => limited(RATE_DELAY, Heal::Nothing, "the proxy asks to slow down"),
        300..400 | 401 | 403..=405 | 407 => credential(
            "this is not where a push proxy answers; correct its address, or what stands before it",
        ),
        // The proxy says with 200 what is wrong with a push.
        400..500 => FOREIGN,
        // Source: RFC 9110, section 15.6.4; for the others Cloudflare, "Cloudflare 5xx errors": no connection was made.
        503 | 521 | 523 | 525 | 526 => failed("what stands before the proxy could not reach it"),
        500.. => in_doubt(status, front_502).unwrap_or(doubt(
            Retry::After(FAILED_DELAY),
            "the proxy failed, or what stands before it, and may have passed the push on",
        )),
        // A 2xx proves no refusal: the push may have been taken.
        200..300 => {
            unreadable("the answer says that all is well, and not as a push proxy says it; check its address")
        }
        0..200 => ours("the answer is none that a push proxy gives; check its address"),
    }
}

const fn failed(detail: &'static str) -> Meaning {
    unavailable(Retry::After(FAILED_DELAY), Heal::Nothing, detail)
}
