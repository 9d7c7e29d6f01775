//! What a session does about silence: it says when nothing was read for long, and asks the peer when it is told to.

use std::mem;

use tokio::time::Instant;

use super::task::Session;
use crate::cause::EndCause;
use crate::core::ConnectionEvent;

impl Session {
    /// Something was read.
    pub(super) fn hear(&mut self, now: Instant) {
        self.clock.heard(now);
        if mem::take(&mut self.quiet) {
            self.connection.tell(ConnectionEvent::Alive);
        }
    }

    /// Nothing was read for long, while no answer was owed. The pool is told once.
    pub(super) fn fall_silent(&mut self) {
        if !mem::replace(&mut self.quiet, true) {
            self.connection.tell(ConnectionEvent::Quiet);
        }
    }

    /// Asks the peer by a PING whether the connection lives. There is a request between two such PINGs: a connection that
    /// was asked, then carried nothing, and is to be asked again goes instead. Source: Apple, "Sending notification
    /// requests to APNs", allows one an hour; Google answers too many by a GOAWAY, `too_many_pings`.
    pub(super) fn probe(&mut self, now: Instant) {
        let awaited = self.link.engine.awaits_pong();
        if !awaited && self.asked && self.link.engine.open_streams() == 0 {
            self.connection.retire(EndCause::Idle);
            return;
        }
        self.quiet = true;
        if !awaited {
            self.asked = true;
            self.link.engine.ping();
        }
        self.clock.probed(now);
    }
}
