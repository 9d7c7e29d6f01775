//! What an answer of a push proxy means. Never fails, whatever the bytes.
//!
//! Source: github.com/mattermost/mattermost-push-proxy, `server/`; its answers as recorded in
//! `tests/data/mattermost-push-proxy.json`.

use std::time::{Duration, SystemTime};

use crate::provider::meaning::{Meaning, credential, fault, gone, limited, ours, plain, unavailable};
use crate::provider::retry_after::retry_after;
use crate::provider::{Heal, Reply, Retry, Verdict};
use crate::push::{Outcome, TokenAction};

/// The wait after the proxy, or what stands before it, failed. The proxy names none.
const FAILED_DELAY: Duration = Duration::from_secs(10);
/// The wait after a throttle that names none: it counts by the second.
const RATE_DELAY: Duration = Duration::from_secs(1);

/// What an answer that came at `now` means.
#[must_use]
pub fn classify(reply: &Reply, now: SystemTime) -> Verdict {
    let said = Said::read(reply.body());
    let status = reply.status().as_u16();
    let meaning = if status == 200 { by_word(&said) } else { by_status(status) };
    let verdict = meaning.verdict(said.reason());
    Verdict { retry: verdict.retry.asked_to_wait(retry_after(reply.headers(), now)), ..verdict }
}

/// What the body of an answer says.
#[derive(Debug, Default)]
struct Said {
    status: String,
    error: String,
    /// The first line of a body that is no JSON.
    line: String,
}

impl Said {
    /// A body that is not the JSON of the proxy is a sentence, or a page that says nothing.
    fn read(body: &[u8]) -> Self {
        #[derive(serde::Deserialize)]
        struct Members {
            status: String,
            #[serde(default)]
            error: String,
        }
        if let Ok(Members { status, error }) = serde_json::from_slice(body) {
            return Self { status, error, line: String::new() };
        }
        let line = std::str::from_utf8(body).ok().and_then(|text| text.lines().next()).unwrap_or_default();
        let is_sentence = !line.trim_start().starts_with(['<', '{', '[']);
        Self { line: if is_sentence { line.trim().to_owned() } else { String::new() }, ..Self::default() }
    }

    fn reason(&self) -> &str {
        match (self.status.as_str(), self.error.as_str()) {
            ("OK", _) => "",
            ("", _) => &self.line,
            (status, "") => status,
            (_, error) => error,
        }
    }
}

/// HTTP 200 alone says nothing: the word in the body decides.
fn by_word(said: &Said) -> Meaning {
    match said.status.as_str() {
        "OK" => plain(Outcome::Accepted, TokenAction::Keep, ""),
        "REMOVE" => gone("the push service behind the proxy does not know the device (any more); delete it"),
        "FAIL" => by_sentence(&said.error),
        _ => unknown(
            "the proxy answered with 200, and not whether it sent the push; check its address where this stays",
            Retry::Never,
        ),
    }
}

fn by_sentence(error: &str) -> Meaning {
    /// What the proxy misses in a request.
    const MISSING: [&str; 2] =
        ["Failed because of missing ", "Did not send message because of missing platform "];
    match error {
        // The proxy wrote to APNs, up to three times, and had no answer.
        "unknown transport error" => unknown(
            "the proxy wrote the push to the push service, and had no answer",
            Retry::After(FAILED_DELAY),
        ),
        // APNs answered; 403, 413, 429 and 5xx stand behind this one sentence.
        "unknown send response error" => unavailable(
            Retry::After(FAILED_DELAY),
            Heal::Nothing,
            "the push service behind the proxy refused the push; the proxy's log says why",
        ),
        _ if MISSING.iter().any(|missing| error.starts_with(missing)) => {
            fault("the proxy does not take the push; check the device id's platform and the server id")
        }
        _ => ours("the proxy failed; its reason says how"),
    }
}

/// It may have been delivered. `dispatch` repeats it only where that does no harm.
const fn unknown(detail: &'static str, retry: Retry) -> Meaning {
    let plain = plain(Outcome::Unconfirmed, TokenAction::Keep, detail);
    Meaning { retryable: true, retry, ..plain }
}

/// What is not 200 comes from the proxy's throttle and router, or from what stands before it.
fn by_status(status: u16) -> Meaning {
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
        400..500 => fault("the proxy does not take the push, for a reason that is new to the gateway"),
        500.. => failed("the proxy failed, or what stands before it"),
        0..300 => ours("the answer is none that a push proxy gives; check its address"),
    }
}

const fn failed(detail: &'static str) -> Meaning {
    unavailable(Retry::After(FAILED_DELAY), Heal::Nothing, detail)
}
