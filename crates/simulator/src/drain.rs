//! Ends a simulator in order: what is under way is still answered.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::fault::{AfterGoAway, Fault, GoAway, LastId};
use super::filter::code;
use super::shared::Shared;
use super::strike;

/// The reason in the debug data of APNs' GOAWAY. Source: Apple, "Handling notification responses from APNs".
const REASON: &str = "Shutdown";

/// Tells every connection to end, also those that finish their handshake only now, and waits until all have ended.
pub(super) async fn drain(shared: &Arc<Shared>, timeout: Duration) {
    let goaway = Fault::GoAway(GoAway {
        last: LastId::Highest,
        code: code::NO_ERROR,
        reason: Some(REASON.to_owned()),
        then: AfterGoAway::Drain,
    });
    let mut told = HashSet::new();
    let ended = || {
        for filter in shared.connections.all_http2() {
            if told.insert(filter.id) {
                strike::http2(shared, &filter, None, &goaway);
            }
        }
        for connection in shared.connections.all_http1() {
            if told.insert(connection.id) {
                strike::http1(&connection, &goaway);
            }
        }
        shared.read_counters().connections_open == 0
    };
    // The shutdown that follows cuts off what is still open at the timeout.
    let _ = shared.changes.wait(timeout, ended).await;
}
