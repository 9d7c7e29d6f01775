//! Serves `/v1/channels`.

use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{ControlAnswer, json, nothing, ok};
use super::context::ControlState;
use super::input::Input;
use super::problem::Problem;
use crate::apns::StoragePolicy;

/// The most channels of all apps together. Apple allows as many for one app in one environment. Source: Apple,
/// "Sending channel management requests to APNs".
const MAX_CHANNELS: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewChannel {
    /// The default is the first bundle id of the team.
    bundle_id: Option<String>,
    /// The default is a new id.
    channel_id: Option<String>,
    #[serde(default)]
    storage_policy: StoragePolicy,
}

fn channel(bundle_id: &str, channel_id: &str, policy: StoragePolicy) -> Value {
    json!({ "bundle_id": bundle_id, "channel_id": channel_id, "storage_policy": policy })
}

pub(super) async fn list(State(control): ControlState) -> ControlAnswer {
    let all = control.shared.apns.channels.list();
    let all = all.iter().map(|((bundle_id, id), policy)| channel(bundle_id, id, *policy));
    ok(&json!({ "channels": all.collect::<Vec<_>>() }))
}

pub(super) async fn create(State(control): ControlState, Input(new): Input<NewChannel>) -> ControlAnswer {
    let shared = &control.shared;
    let own = &shared.apns.settings.bundle_ids;
    let bundle_id = new.bundle_id.or_else(|| own.first().cloned()).unwrap_or_default();
    if !own.contains(&bundle_id) {
        return Err(Problem::field(
            "bundle_id",
            &format!("{bundle_id:?}"),
            &format!("one of {}", own.join(", ")),
        ));
    }
    let id = new.channel_id.unwrap_or_else(|| STANDARD.encode(Uuid::new_v4().as_bytes()));
    if !StoragePolicy::is_channel_id(&id) {
        return Err(Problem::field("channel_id", &format!("{id:?}"), &"standard base64"));
    }
    if shared.apns.channels.list().len() >= MAX_CHANNELS {
        let detail = format!("there are {MAX_CHANNELS} channels already, which is the most");
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    shared.apns.channels.add(&bundle_id, &id, new.storage_policy);
    Ok(json(StatusCode::CREATED, &channel(&bundle_id, &id, new.storage_policy)))
}

pub(super) async fn remove(
    State(control): ControlState,
    Path((bundle_id, id)): Path<(String, String)>,
) -> ControlAnswer {
    if control.shared.apns.channels.remove(&bundle_id, &id) {
        nothing()
    } else {
        Err(Problem::not_found(format!("{bundle_id} has no channel {id}")))
    }
}
