//! What connections tell their pool.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::{Effects, Pool};
use crate::connection::Hub;
use crate::core::{ConnectionEvent, ConnectionId, Event};
use crate::error_code::ErrorCode;
use crate::goaway::GoAway;
use crate::observe::Report;

impl Hub for Pool {
    fn tell(&self, connection: ConnectionId, event: ConnectionEvent) {
        if event == ConnectionEvent::Proven {
            self.proven.store(true, Ordering::Relaxed);
        }
        let mut state = self.lock();
        let now = Instant::now();
        let mut effects = Effects::new();
        let closed =
            matches!(event, ConnectionEvent::Closed(_)).then(|| state.connections.remove(&connection));
        self.tell_core(&mut state, now, Event::Connection(connection, event), &mut effects);
        drop(state);
        drop(closed);
        self.perform(now, effects);
    }

    fn returned(&self, connection: ConnectionId, grants: usize) {
        self.report(Report::StreamsUsed(-i64::try_from(grants).unwrap_or(i64::MAX)));
        let mut state = self.lock();
        if state.core.returned_to_nobody(connection, grants) {
            return;
        }
        let now = Instant::now();
        let mut effects = Effects::new();
        for _ in 0..grants {
            let event = Event::Connection(connection, ConnectionEvent::Returned);
            self.tell_core(&mut state, now, event, &mut effects);
        }
        drop(state);
        self.perform(now, effects);
    }

    fn goaway(&self, connection: ConnectionId, goaway: &GoAway) {
        self.report(Report::GoAway { code: goaway.code, reason: &goaway.reason() });
        // Streams have numbers from 1 on. Source: RFC 9113, section 6.8: the last one that the peer may have processed.
        let owes = goaway.last_stream_id > 0;
        self.tell(connection, ConnectionEvent::GoesAway { code: goaway.code, owes });
        let (peer, code) = (&self.peer, ErrorCode(goaway.code));
        tracing::info!(
            connection, ?peer, last_stream_id = goaway.last_stream_id, %code,
            debug = %goaway.debug.escape_ascii(), "upstream goes away"
        );
    }

    fn hears_answers(&self) -> bool {
        self.counts_answers.load(Ordering::Relaxed)
    }

    fn in_use(&self, connection: ConnectionId) -> usize {
        self.lock().core.in_use(connection)
    }

    fn report(&self, report: Report<'_>) {
        self.observer.report(report);
    }
}
