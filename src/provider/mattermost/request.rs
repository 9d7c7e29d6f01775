//! How a push is said to a push proxy, as a Mattermost server says it: once a body, then addressed to each
//! target.
//!
//! Source: github.com/mattermost/mattermost, `server/public/model/push_notification.go`, for names, order
//! and what is left out; `server/channels/app/notification_push.go` for `cont_ava`.

use fanfare_upstream::Request;
use http::Method;

use super::{MAX_CHANNEL_NAME_BYTES, MAX_MESSAGE_BYTES, Mattermost};
use crate::provider::{Message, Outgoing, bug, cut, text};
use crate::push::{Body, MattermostContent, Notification, Reason, Refusal};

const PATH: &str = "/api/v1/send_push";

/// The badge of a push that sets none. The proxy then leaves the badge of the app as it is.
const KEEP_BADGE: i64 = -1;

/// A body as a push proxy takes it: all that its addressees share.
#[derive(Debug)]
pub struct Payload {
    /// The caller's own acknowledgement id. Where it is absent, the id of each push is sent instead.
    ack_id: Option<String>,
    /// A JSON object with the members that follow those of the target.
    rest: Vec<u8>,
}

/// Says a body to a push proxy.
///
/// # Errors
/// Fails if the body cannot be said.
pub(super) fn encode(body: &Body) -> Result<Payload, Refusal> {
    let content = &body.content;
    if content.notification.is_none() && content.mattermost.is_none() {
        let detail = "expected a notification or options of Mattermost, found neither";
        return Err(Refusal::field("content", Reason::FieldRequired, detail));
    }
    if !content.data.is_empty() {
        let detail = "expected no data, which a push proxy has no field for, found some";
        return Err(Refusal::field("content.data", Reason::FieldsConflict, detail));
    }
    let (no_notification, no_options) = (Notification::default(), MattermostContent::default());
    let notification = content.notification.as_ref().unwrap_or(&no_notification);
    let options = content.mattermost.as_deref().unwrap_or(&no_options);
    one_of("content.mattermost.type", &options.r#type, &TYPES)?;
    one_of("content.mattermost.sub_type", &options.sub_type, &["calls"])?;
    one_of("content.mattermost.transport", &options.transport, &["voip"])?;
    let rest = serde_json::to_vec(&Shared::of(notification, options));
    Ok(Payload {
        ack_id: text(&options.ack_id).map(str::to_owned),
        rest: rest.map_err(|error| bug("content", &error))?,
    })
}

/// Directs an encoded body to one device.
///
/// # Errors
/// Fails if the message cannot be written, which only a bug can bring about.
pub(super) fn address(mattermost: &Mattermost, push: &Outgoing<'_, Mattermost>) -> Result<Message, Refusal> {
    let Outgoing { id, target: device, payload, .. } = *push;
    let addressed = Addressed {
        ack_id: payload.ack_id.as_deref().unwrap_or(id.as_str()),
        platform: &device.platform,
        server_id: device.server_id.as_deref().unwrap_or(&mattermost.server_id),
        device_id: device.token.as_str(),
    };
    let mut json = serde_json::to_vec(&addressed).map_err(|error| bug("target", &error))?;
    // Two objects become one. Neither is ever empty.
    json.pop();
    json.push(b',');
    json.extend_from_slice(&payload.rest[1..]);
    // A Mattermost server sends no content type, so none is sent here.
    let request = Request::with_room(&Method::POST, &[PATH], json.into(), 0);
    let request = request.map_err(|error| bug("target", &error))?;
    Ok(Message { request, counts_down: false, context: () })
}

const TYPES: [&str; 5] = ["message", "clear", "update_badge", "session", "test"];

/// Refuses a word that the proxy does not know; an absent one is fine.
fn one_of(field: &'static str, found: &str, known: &[&str]) -> Result<(), Refusal> {
    if found.is_empty() || known.contains(&found) {
        return Ok(());
    }
    const SHOWN_BYTES: usize = 64;
    let detail = format!("expected {}, found {:?}", known.join(", "), cut(found, SHOWN_BYTES));
    Err(Refusal::field(field, Reason::FieldInvalid, detail))
}

/// The members that tell targets apart; they come first.
#[derive(serde::Serialize)]
struct Addressed<'a> {
    ack_id: &'a str,
    platform: &'a str,
    server_id: &'a str,
    device_id: &'a str,
}

/// The members that follow, in the order of a Mattermost server. A member that the server always sends is not optional
/// here either.
#[derive(serde::Serialize)]
struct Shared<'a> {
    post_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "is_zero")]
    badge: i64,
    #[serde(skip_serializing_if = "is_zero")]
    cont_ava: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    team_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_name: Option<&'a str>,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_icon_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_webhook: Option<&'a str>,
    version: &'a str,
    is_crt_enabled: bool,
    is_id_loaded: bool,
    signature: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transport: Option<&'a str>,
}

impl<'a> Shared<'a> {
    fn of(notification: &'a Notification, options: &'a MattermostContent) -> Self {
        let r#type = text(&options.r#type).unwrap_or("message");
        // A push that shows nothing has to wake the app to be of use.
        let silent = matches!(r#type, "clear" | "update_badge");
        Self {
            post_id: &options.post_id,
            category: text(&notification.category),
            sound: text(&notification.sound),
            message: text(cut(&notification.body, MAX_MESSAGE_BYTES)),
            badge: notification.badge.map_or(KEEP_BADGE, i64::from),
            cont_ava: i64::from(silent),
            team_id: text(&options.team_id),
            channel_id: text(&options.channel_id),
            root_id: text(&options.root_id),
            channel_name: text(cut(&notification.title, MAX_CHANNEL_NAME_BYTES)),
            r#type,
            sub_type: text(&options.sub_type),
            sender_id: text(&options.sender_id),
            sender_name: text(&options.sender_name),
            override_username: text(&options.override_username),
            override_icon_url: text(&options.override_icon_url),
            from_webhook: text(&options.from_webhook),
            version: text(&options.version).unwrap_or("v2"),
            is_crt_enabled: options.is_crt_enabled,
            is_id_loaded: options.is_id_loaded,
            signature: &options.signature,
            transport: text(&options.transport),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a field by reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}
