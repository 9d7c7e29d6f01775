//! One Mattermost server and its devices, as the tests of this folder know them.

mod answers;
mod requests;

use std::time::UNIX_EPOCH;

use super::*;
use crate::provider::{Message, Outgoing};
use crate::push::{
    AppId, Body, Content, Labels, MattermostContent, Notification, Options, Outcome, PushId, Reason, Refusal,
    RegistrationToken,
};

fn mattermost() -> Mattermost {
    Mattermost::try_new(MattermostSettings { server_id: "srv".into() }).unwrap()
}

fn device(platform: &str, token: &str) -> Device {
    Device {
        platform: platform.into(),
        token: RegistrationToken::parse(token.into()).unwrap(),
        server_id: None,
    }
}

fn body(content: Content) -> Body {
    let app = AppId::parse("chat").unwrap();
    Body { app, content, options: Options::default(), accepted_at: UNIX_EPOCH, labels: Labels::new() }
}

fn text(title: &str, body: &str) -> Notification {
    Notification { title: title.into(), body: body.into(), ..Notification::default() }
}

fn shows(notification: Notification) -> Content {
    Content { notification: Some(notification), ..Content::default() }
}

fn typed(mattermost: MattermostContent) -> Content {
    Content { mattermost: Some(Box::new(mattermost)), ..Content::default() }
}

fn sent(content: Content, device: &Device) -> Result<Message, Refusal> {
    addressed(&PushId::parse("push-1".into()).unwrap(), content, device)
}

fn addressed(id: &PushId, content: Content, target: &Device) -> Result<Message, Refusal> {
    let body = &body(content);
    let payload = &mattermost().encode(body)?;
    mattermost().address(&Outgoing { id, body, target, payload, sealed: &() }, UNIX_EPOCH)
}

fn json(content: Content) -> String {
    let message = sent(content, &device("apple", "aa:11")).unwrap();
    String::from_utf8(message.request.body().to_vec()).unwrap()
}

fn refused(content: Content) -> (Reason, String) {
    let refusal = sent(content, &device("apple", "aa11")).unwrap_err();
    assert!(refusal.detail.contains("expected") && refusal.detail.contains("found"), "{refusal:?}");
    (refusal.reason, refusal.field.into_owned())
}
