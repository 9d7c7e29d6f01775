//! One browser and its application server, as the tests of this folder know them.

mod answers;
mod cryptographer;
mod encryption;
mod endpoints;
mod messages;
mod properties;
mod refusals;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::provider::{Message, Outgoing};
use crate::push::{
    AppId, Body, Content, Expiry, Labels, LocalizedText, Notification, Options, Outcome, Priority, PushId,
    Reason, Refusal, WebPushContent, WebPushUrgency,
};

const ACCEPTED_AT: u64 = 1_700_000_000;
const ENDPOINT: &str = "https://updates.push.services.mozilla.com/wpush/v2/gAAAAAB%2fx";

/// The values of RFC 8291, appendix A.
const PLAINTEXT: &[u8] = b"When I grow up, I want to be a watermelon";
const OWN_KEY: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const BROWSER_KEY: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
// In two, or a spelling check finds a word in it.
const BROWSER_PUBLIC: &str =
    concat!("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkN", "toIAiw4",);
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";

fn bytes(base64url: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(base64url).unwrap()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn web_push() -> WebPush {
    WebPush::try_new(WebPushSettings::default()).unwrap()
}

fn browser(endpoint: &str) -> Subscription {
    Subscription { endpoint: endpoint.into(), p256dh: bytes(BROWSER_PUBLIC), auth: bytes(AUTH) }
}

fn body(content: Content) -> Body {
    let app = AppId::parse("shop").unwrap();
    Body { app, content, options: Options::default(), accepted_at: at(ACCEPTED_AT), labels: Labels::new() }
}

fn with_options(content: Content, options: Options) -> Body {
    Body { options, ..body(content) }
}

fn alert() -> Content {
    shows(Notification { title: "Hi".into(), ..Notification::default() })
}

fn shows(notification: Notification) -> Content {
    Content { notification: Some(notification), ..Content::default() }
}

fn typed(web_push: WebPushContent) -> Content {
    Content { web_push: Some(web_push), ..Content::default() }
}

fn raw(payload: &[u8]) -> Content {
    typed(WebPushContent { payload: Some(payload.to_vec()), ..WebPushContent::default() })
}

fn sent_by(web_push: &WebPush, body: &Body, target: &Subscription) -> Result<Message<Vendor>, Refusal> {
    let payload = web_push.encode(body)?;
    let sealed = web_push.seal(&payload, target, &Ephemeral::draw())?;
    addressed(web_push, body, target, &payload, &sealed, at(ACCEPTED_AT))
}

fn addressed(
    web_push: &WebPush,
    body: &Body,
    target: &Subscription,
    payload: &Payload,
    sealed: &Sealed,
    now: SystemTime,
) -> Result<Message<Vendor>, Refusal> {
    let id = &PushId::parse("push-1".into()).unwrap();
    web_push.address(&Outgoing { id, body, target, payload, sealed }, now)
}

fn sent(body: &Body) -> Result<Message<Vendor>, Refusal> {
    sent_by(&web_push(), body, &browser(ENDPOINT))
}

fn header(message: &Message<Vendor>, name: &str) -> Option<String> {
    let mut fields = message.request.headers().filter(|field| field.name == name.as_bytes());
    let value = fields.next().map(|field| String::from_utf8(field.value.to_vec()).unwrap());
    assert!(fields.next().is_none(), "{name} twice");
    value
}

/// What the browser reads.
fn read(message: &Message<Vendor>) -> String {
    String::from_utf8(cryptographer::decrypt(message.request.body())).unwrap()
}

fn refused(body: &Body) -> (Reason, String) {
    let refusal = sent(body).unwrap_err();
    assert!(refusal.detail.contains("expected") && refusal.detail.contains("found"), "{refusal:?}");
    (refusal.reason, refusal.field.into_owned())
}
