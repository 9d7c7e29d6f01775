//! What auditors read: one line for each refusal, under a target of its own, so that a filter can keep or drop them.

use std::net::SocketAddr;

use super::denied::Denied;
use super::shown::Unknown;
use crate::telemetry::AUDIT;

/// How many bytes of an app's name are written: what a caller asks for may be anything.
const MAX_APP_BYTES: usize = 64;

/// Notes that a caller may not do what it asked for.
pub(super) fn denied(caller: &str, denied: Denied, app: &str, address: Option<SocketAddr>) {
    let rule = denied.rule();
    let app = app.get(..app.floor_char_boundary(MAX_APP_BYTES)).unwrap_or_default();
    let address = address.map(tracing::field::display);
    tracing::warn!(target: AUDIT, caller, rule, app, address, "a caller was refused");
}

/// Notes that nobody knows who called.
pub(super) fn unknown(why: &Unknown, address: SocketAddr) {
    tracing::warn!(target: AUDIT, rule = "identity", %address, why = %why, "an unknown caller was refused");
}
