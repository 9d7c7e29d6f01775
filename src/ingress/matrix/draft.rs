//! A device of a request becomes a draft for the desk.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use tracing::Span;

use super::apps::MatrixApp;
use super::content;
use super::fate::Fate;
use super::request::{Device, Notification};
use super::target;
use crate::desk::{BodyDraft, Draft, DraftBody, OptionsDraft};
use crate::held_bytes::PushBytes;
use crate::push::{Labels, Options};

/// What all drafts of a request have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common {
    /// When the request had been read; a time to live counts from here.
    pub(super) accepted_at: SystemTime,
    /// How long the gateway works on it.
    pub(super) max_wait: Duration,
}

/// The draft of a device, or what becomes of a device that is sent nothing.
pub(super) fn draft(
    notification: &Notification,
    device: &Device,
    app: &MatrixApp,
    common: Common,
    held: PushBytes,
) -> Result<Draft, Fate> {
    let said = content::said(notification, device, &app.dialect).ok_or(Fate::NothingToSay)?;
    let target = target::target(device, &app.dialect).ok_or(Fate::GivenUp)?;
    let id = notification.event().map(|event| push_id(device, event)).unwrap_or_default();
    let options = Options {
        priority: Some(said.priority),
        collapse_key: said.collapse_key,
        max_wait: Some(common.max_wait),
        // The homeserver repeats an event until it is answered well. Updates of a badge have no event, and are not repeated.
        once: !id.is_empty(),
        // Homeservers show no credentials.
        from_anybody: true,
        ..Options::default()
    };
    let body = BodyDraft {
        app: app.app.as_str().to_owned(),
        content: Ok(said.content),
        options: Ok(OptionsDraft { options, ttl: app.ttl }),
        labels: Labels::new(),
        accepted_at: common.accepted_at,
    };
    Ok(Draft { id, target: Ok(target), body: DraftBody::Own(body), held, parent: Span::none() })
}

/// By what the gateway knows a repeated event again, and what `apns-id` is made of: the same for the same event to the same
/// device, and for no other.
fn push_id(device: &Device, event: &str) -> String {
    let mut digest = Sha256::new();
    for part in [&device.app_id, &device.pushkey, event] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    URL_SAFE_NO_PAD.encode(digest.finalize())
}
