//! The end of a simulator that was told to stop: what is under way is answered.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::connection;
use super::fault::{Fault, GoAway, LastId, Then};
use super::filter::code;
use super::http1;
use super::world::World;

/// The reason in the debug data of APNs' GOAWAY. Source: Apple, "Handling notification responses from APNs".
const REASON: &str = "Shutdown";

/// Tells every connection that it ends, also one that is still in its handshake, and waits until all have ended.
pub(super) async fn drain(world: &Arc<World>, timeout: Duration) {
    let goaway = Fault::GoAway(GoAway {
        last: LastId::Highest,
        code: code::NO_ERROR,
        reason: Some(REASON.to_owned()),
        then: Then::Drain,
    });
    let mut told = HashSet::new();
    let ended = || {
        for wire in world.wires().into_iter().filter(|wire| told.insert(wire.id)) {
            connection::strike(world, &wire, None, &goaway);
        }
        for line in world.lines() {
            if told.insert(line.id) {
                http1::strike(&line, &goaway);
            }
        }
        world.counters().connections_open == 0
    };
    // What is still open at the timeout is cut off by the shutdown that follows.
    let _ = world.bell.wait(timeout, ended).await;
}
