//! Serves `/v1/subscriptions`: browsers that subscribe with a key of the test's own.

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::Deserialize;

use super::answer::{ControlAnswer, json_text};
use super::context::ControlState;
use super::input::Input;
use super::problem::Problem;
use crate::webpush::{Vendor, WebPushScriptedOutcome};

/// The most subscriptions that one simulator may have.
const MAX_SUBSCRIPTIONS: usize = 100_000;

/// The bytes of an uncompressed point of P-256. Source: RFC 8292, 3.2.
const PUBLIC_KEY_LEN: usize = 65;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSubscription {
    vendor: Vendor,
    /// The key as `PushManager.subscribe` takes it, in base64url. Without one anybody may send.
    #[serde(default)]
    application_server_key: String,
}

pub(super) async fn create(
    State(control): ControlState,
    Input(new): Input<NewSubscription>,
) -> ControlAnswer {
    let NewSubscription { vendor, application_server_key } = new;
    let key = URL_SAFE_NO_PAD.decode(application_server_key.trim_end_matches('='));
    let key = match key {
        Ok(key) if key.is_empty() => None,
        Ok(key) if key.len() == PUBLIC_KEY_LEN => Some(key),
        Ok(_) | Err(_) => {
            let expected = "base64url of the 65 bytes of an uncompressed P-256 point";
            return Err(Problem::field(
                "application_server_key",
                &format!("{application_server_key:?}"),
                &expected,
            ));
        }
    };
    let web_push = &control.shared.web_push;
    if web_push.subscriptions() >= MAX_SUBSCRIPTIONS {
        let detail = format!("there are {MAX_SUBSCRIPTIONS} subscriptions already, which is the most");
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    let subscription = web_push
        .subscribe(vendor, &control.web_push, key, WebPushScriptedOutcome::Good)
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(json_text(StatusCode::CREATED, subscription.json()))
}
