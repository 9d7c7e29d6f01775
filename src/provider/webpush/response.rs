//! What an answer of a browser's push service means. Never fails, whatever the bytes.

use std::borrow::Cow;
use std::time::SystemTime;

use http::{HeaderMap, StatusCode};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::Vendor;
use super::answers::{Answer, meaning};
use crate::provider::retry_after::retry_after;
use crate::provider::words::{is_page, object, read, words};
use crate::provider::{Reply, ReplyContext, Verdict, cut};
use crate::push::Outcome;
use crate::upstream::Head;

/// What an answer of a vendor's push service means that came at `now`.
#[must_use]
pub fn classify(reply: &Reply, context: ReplyContext, now: SystemTime) -> Verdict {
    let said = Said::read(reply);
    let (vendor, status) = (context.vendor.unwrap_or(Vendor::Other), reply.status().as_u16());
    let answer = Answer { vendor, status, front_502: context.front_502 };
    let verdict = meaning(&answer, &said).verdict(&said.reason());
    let accepted = verdict.outcome == Outcome::Accepted;
    Verdict {
        retry: verdict.retry.asked_to_wait(retry_after(reply.headers(), now)),
        upstream_id: if accepted { upstream_id(reply.headers()) } else { String::new() },
        ..verdict
    }
}

/// Where a push was taken the status line says so. A bare 200 does not: it may be anybody's.
///
/// Source: RFC 8030, section 5.
pub(in crate::provider) fn head_decides(head: &Head) -> bool {
    let is_own = || OWN_HEADERS.iter().any(|name| head.headers.contains_key(*name));
    matches!(head.status, StatusCode::CREATED | StatusCode::ACCEPTED)
        || (head.status == StatusCode::OK && is_own())
}

/// Headers that a push service sets and nothing in front of it does.
///
/// Source: RFC 8030, section 5 (`Location` of a message); Apple, "Sending web push notifications in web apps and
/// browsers"; Microsoft, "Push notification service request and response headers".
const OWN_HEADERS: [&str; 6] = [
    "location",
    "apns-id",
    "x-wns-status",
    "x-wns-notificationstatus",
    "x-wns-msg-id",
    "x-wns-error-description",
];

/// What a body is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Empty,
    /// JSON that does not speak of an error.
    Json,
    Page,
    /// A text, or JSON that speaks of an error.
    Words,
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
    /// Google, and whoever else: the first line of a text, the title of a page, a sentence in JSON or in a challenge.
    pub(super) line: String,
    pub(super) form: Form,
    /// One of the headers that a push service sets.
    pub(super) own_header: bool,
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
        // A push that was taken has no body: not even the error of a reader is made for it.
        let members = match reply.body() {
            body if body.is_empty() => Members::default(),
            body => object::<Members<'_>>(body).unwrap_or_default(),
        };
        let word = |name| header(reply.headers(), name);
        let status = word("x-wns-status");
        Self {
            errno: members.errno.and_then(read::<u32>).map(|errno| errno.to_string()).unwrap_or_default(),
            message: members.message.and_then(read).unwrap_or_default(),
            reason: members.reason.and_then(read).unwrap_or_default(),
            wns_description: word("x-wns-error-description").to_owned(),
            // Its older name. Source: Microsoft, "Push notification service request and response headers".
            wns_status: if status.is_empty() { word("x-wns-notificationstatus") } else { status }.to_owned(),
            line: words(reply),
            form: form(reply.body()),
            own_header: OWN_HEADERS.iter().any(|name| reply.headers().contains_key(*name)),
        }
    }

    /// WNS has blocked the domain that sends. Source: Microsoft, "Push notification service request and response
    /// headers", 410.
    pub(super) fn blocks_sender(&self) -> bool {
        let says = |text: &str| text.to_ascii_lowercase().contains("domain blocked");
        says(&self.wns_description) || says(&self.line)
    }

    /// The push service itself speaks, in one of the ways of its kind.
    pub(super) fn is_own(&self) -> bool {
        self.own_header || !self.errno.is_empty() || !self.reason.is_empty()
    }

    /// The one of them that says most, verbatim. Mozilla's number stands for several faults, which its sentence tells
    /// apart.
    fn reason(&self) -> Cow<'_, str> {
        let Self { errno, message, reason, wns_description, wns_status, line, .. } = self;
        if !errno.is_empty() && !message.is_empty() {
            return format!("{errno}: {message}").into();
        }
        // That all is well is no reason.
        let wns_status = if wns_status == "received" { "" } else { wns_status };
        let all = [errno, reason, wns_description, wns_status, line];
        all.into_iter().find(|it| !it.is_empty()).unwrap_or_default().into()
    }
}

fn form(body: &[u8]) -> Form {
    /// Members that only an error has.
    #[derive(serde::Deserialize)]
    struct Members {
        error: Option<IgnoredAny>,
        errno: Option<IgnoredAny>,
        reason: Option<IgnoredAny>,
    }
    if body.is_empty() {
        return Form::Empty;
    }
    match object(body) {
        _ if is_page(body) => Form::Page,
        Some(Members { error: None, errno: None, reason: None }) => Form::Json,
        Some(_) | None => Form::Words,
    }
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
