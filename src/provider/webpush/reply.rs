//! What an answer of a browser's push service says beside its status.

use std::borrow::Cow;

use fanfare_upstream::Fields;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::provider::Reply;
use crate::provider::words::{is_page, object, read, words};

/// Headers that a push service sets and that nothing in front of it sets.
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

/// What form a body has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Empty,
    /// The body is JSON that does not speak of an error.
    Json,
    Page,
    /// The body is a text, or JSON that speaks of an error.
    Words,
}

/// What an answer says beside its status. Each vendor says it in a place of its own.
#[derive(Debug, Default)]
pub(super) struct ReplyWords {
    /// Mozilla's number of the error, beside which stands `message`.
    pub(super) errno: String,
    pub(super) message: String,
    /// Apple's reason.
    pub(super) reason: String,
    /// Microsoft's description of the error.
    pub(super) wns_description: String,
    pub(super) wns_status: String,
    /// The words of Google and of others: the first line of a text, the title of a page, or a sentence in JSON or in a
    /// challenge.
    pub(super) line: String,
    pub(super) form: Form,
    /// Whether there is one of the headers that only a push service sets.
    pub(super) own_header: bool,
}

impl ReplyWords {
    pub(super) fn read(reply: &Reply) -> Self {
        /// Each member is read by itself, so that a malformed one does not hide the others.
        #[derive(Default, serde::Deserialize)]
        struct Members<'a> {
            #[serde(borrow)]
            errno: Option<&'a RawValue>,
            #[serde(borrow)]
            message: Option<&'a RawValue>,
            #[serde(borrow)]
            reason: Option<&'a RawValue>,
        }
        // The answer to a push that was taken has no body, and then not even a reader's error is made.
        let members = match &reply.body {
            body if body.is_empty() => Members::default(),
            body => object::<Members<'_>>(body).unwrap_or_default(),
        };
        let word = |name| reply.fields.get_str(name).unwrap_or_default();
        let status = word("x-wns-status");
        Self {
            errno: members.errno.and_then(read::<u32>).map(|errno| errno.to_string()).unwrap_or_default(),
            message: members.message.and_then(read).unwrap_or_default(),
            reason: members.reason.and_then(read).unwrap_or_default(),
            wns_description: word("x-wns-error-description").to_owned(),
            // The second is its older name. Source: Microsoft, "Push notification service request and response
            // headers".
            wns_status: if status.is_empty() { word("x-wns-notificationstatus") } else { status }.to_owned(),
            line: words(reply),
            form: form(&reply.body),
            own_header: has_own_header(&reply.fields),
        }
    }

    /// Whether WNS has blocked the sender's domain. Source: Microsoft, "Push notification service request and response
    /// headers", 410.
    pub(super) fn blocks_sender(&self) -> bool {
        let says = |text: &str| text.to_ascii_lowercase().contains("domain blocked");
        says(&self.wns_description) || says(&self.line)
    }

    /// Whether the push service itself speaks, because the answer has something that only a push service says.
    pub(super) fn is_own(&self) -> bool {
        self.own_header || !self.errno.is_empty() || !self.reason.is_empty()
    }

    /// The words that say most, verbatim. Mozilla's number stands for several faults, which its sentence tells apart.
    pub(super) fn reason(&self) -> Cow<'_, str> {
        let Self { errno, message, reason, wns_description, wns_status, line, .. } = self;
        if !errno.is_empty() && !message.is_empty() {
            return format!("{errno}: {message}").into();
        }
        // A word that says that all is well is not a reason.
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

/// Whether there is one of the headers that only a push service sets.
pub(super) fn has_own_header(fields: &Fields) -> bool {
    OWN_HEADERS.iter().any(|name| fields.get(name).is_some())
}
