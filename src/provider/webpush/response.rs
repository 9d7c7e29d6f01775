//! What an answer of a browser's push service means. Never fails, whatever the bytes.

use std::time::SystemTime;

use http::HeaderMap;
use serde_json::value::RawValue;

use super::Vendor;
use super::answers::meaning;
use crate::provider::retry_after::retry_after;
use crate::provider::{Reply, Verdict, cut};
use crate::push::Outcome;

/// What an answer of a vendor's push service means that came at `now`.
#[must_use]
pub fn classify(reply: &Reply, vendor: Option<Vendor>, now: SystemTime) -> Verdict {
    let said = Said::read(reply);
    let status = reply.status().as_u16();
    let verdict = meaning(vendor.unwrap_or(Vendor::Other), status, &said).verdict(said.reason());
    let accepted = verdict.outcome == Outcome::Accepted;
    Verdict {
        retry: verdict.retry.asked_to_wait(retry_after(reply.headers(), now)),
        upstream_id: if accepted { upstream_id(reply.headers()) } else { String::new() },
        ..verdict
    }
}

/// What an answer says beside its status, each vendor in its own place.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Mozilla: the number, and the sentence beside it.
    pub(super) errno: String,
    pub(super) message: String,
    /// Apple.
    pub(super) reason: String,
    /// Microsoft.
    pub(super) wns_description: String,
    pub(super) wns_status: String,
    /// Google: the first line of a text, or the title of a page.
    pub(super) line: String,
}

impl Said {
    fn read(reply: &Reply) -> Self {
        /// Each member is read by itself, so that an odd one does not take another away.
        #[derive(Default, serde::Deserialize)]
        struct Members<'a> {
            #[serde(borrow)]
            errno: Option<&'a RawValue>,
            #[serde(borrow)]
            message: Option<&'a RawValue>,
            #[serde(borrow)]
            reason: Option<&'a RawValue>,
        }
        let members = serde_json::from_slice::<Members<'_>>(reply.body()).unwrap_or_default();
        let word = |name| header(reply.headers(), name);
        let status = word("x-wns-status");
        Self {
            errno: members.errno.and_then(read::<u32>).map(|errno| errno.to_string()).unwrap_or_default(),
            message: members.message.and_then(read).unwrap_or_default(),
            reason: members.reason.and_then(read).unwrap_or_default(),
            wns_description: word("x-wns-error-description").to_owned(),
            // Its older name. Source: Microsoft, "Push notification service request and response headers".
            wns_status: if status.is_empty() { word("x-wns-notificationstatus") } else { status }.to_owned(),
            line: sentence(reply.body()),
        }
    }

    /// WNS has blocked the domain that sends. Source: Microsoft, "Push notification service request and response
    /// headers", 410.
    pub(super) fn blocks_sender(&self) -> bool {
        let says = |text: &str| text.to_ascii_lowercase().contains("domain blocked");
        says(&self.wns_description) || says(&self.line)
    }

    /// The one of them that says most, verbatim.
    fn reason(&self) -> &str {
        let Self { errno, reason, wns_description, wns_status, line, .. } = self;
        // That all is well is no reason.
        let wns_status = if wns_status == "received" { "" } else { wns_status };
        let all = [errno, reason, wns_description, wns_status, line];
        all.into_iter().find(|it| !it.is_empty()).unwrap_or_default()
    }
}

/// Of a page its title, which is where Google says it; JSON is no sentence.
///
/// Source: github.com/GoogleChromeLabs/web-push-codelab, issue 23.
fn sentence(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap_or_default().trim_start();
    if text.starts_with('<') {
        // As long as the page itself, byte for byte.
        let lower = text.to_ascii_lowercase();
        let begin = lower.find("<title>").map(|at| at + "<title>".len());
        let title = begin.and_then(|begin| Some(&text[begin..begin + lower[begin..].find("</title>")?]));
        return title.unwrap_or_default().trim().to_owned();
    }
    let line = text.lines().next().unwrap_or_default().trim();
    if line.starts_with(['{', '[']) { String::new() } else { line.to_owned() }
}

fn read<T: serde::de::DeserializeOwned>(value: &RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// `Location` by the standard, else the vendor's own.
///
/// Source: RFC 8030, section 5; Apple, "Sending web push notifications in web apps and browsers"; Microsoft,
/// "Push notification service request and response headers".
fn upstream_id(headers: &HeaderMap) -> String {
    let names = ["location", "apns-id", "x-wns-msg-id"];
    let id = names.into_iter().map(|name| header(headers, name)).find(|id| !id.is_empty());
    cut(id.unwrap_or_default(), Verdict::MAX_REASON_BYTES).to_owned()
}
