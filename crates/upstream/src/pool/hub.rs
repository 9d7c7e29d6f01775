//! What connections tell their pool.

use super::Pool;
use crate::cause::EndCause;
use crate::connection::Hub;
use crate::core::{ConnectionEvent, ConnectionId, Event};
use crate::observe::Report;
use crate::transport::GoAway;

impl Hub for Pool {
    fn tell(&self, connection: ConnectionId, event: ConnectionEvent) {
        if event == ConnectionEvent::Returned {
            self.report(Report::StreamsUsed(-1));
        }
        if matches!(event, ConnectionEvent::Closed(_)) {
            self.lock().connections.remove(&connection);
        }
        self.on(Event::Connection(connection, event));
    }

    fn goaway(&self, connection: ConnectionId, goaway: &GoAway) {
        self.report(Report::GoAway { code: goaway.code, reason: &goaway.reason() });
        self.tell(connection, ConnectionEvent::Drains(EndCause::GoAway));
        let (peer, code) = (&self.peer, h2::Reason::from(goaway.code));
        tracing::info!(
            connection, ?peer, last_stream_id = goaway.last_stream_id, %code,
            debug = %goaway.debug.escape_ascii(), "upstream goes away"
        );
    }

    fn in_use(&self, connection: ConnectionId) -> usize {
        self.lock().core.in_use(connection)
    }

    fn report(&self, report: Report<'_>) {
        self.observer.report(report);
    }
}
