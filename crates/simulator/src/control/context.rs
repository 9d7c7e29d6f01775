//! What the routes of the control API share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::scripted::{ScriptedOutcomeJson, TokenService};
use crate::apns::ChannelList;
use crate::shared::Shared;

pub(super) type ControlState = axum::extract::State<Arc<Control>>;

/// What the routes share.
pub(super) struct Control {
    pub(super) shared: Arc<Shared>,
    /// The origin of the push services of browsers, `https://localhost:<port>`.
    pub(super) web_push: String,
    pub(super) waits: Semaphore,
    /// The outcomes that were scripted here, so that they can be listed and taken back.
    pub(super) outcomes: Mutex<BTreeMap<(TokenService, String), ScriptedOutcomeJson>>,
    /// The channels of the start, which a reset restores.
    pub(super) channels: ChannelList,
}
