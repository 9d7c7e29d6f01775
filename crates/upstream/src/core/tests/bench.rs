//! A core that is told of one thing after the other.

use super::*;

/// A core, and the time that it is told.
pub(super) struct Bench {
    pub(super) core: Tested,
    pub(super) now: Instant,
    next_waiter: u32,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self { core: Core::new(limits(), 7), now: Instant::now(), next_waiter: 1 }
    }

    pub(super) fn ask_as(&self, flow: Flow, seniority: Seniority) -> StreamAsk {
        StreamAsk { flow, until: self.now + Duration::from_secs(3600), seniority }
    }

    pub(super) fn on(&mut self, event: Event<ConnectionId, &'static str>) -> Effects {
        let mut effects = Effects::new();
        self.core.on(self.now, event, &mut effects);
        effects
    }

    pub(super) fn on_connection(&mut self, id: ConnectionId, event: ConnectionEvent) -> Effects {
        self.on(Event::Connection(id, event))
    }

    /// Asks, is granted nothing, and waits.
    pub(super) fn wait(&mut self, flow: Flow) -> (WaiterId, Effects) {
        let ask = self.ask_as(flow, Seniority::New);
        assert_eq!(self.core.ask(self.now, ask), Ok(None));
        let mut effects = Effects::new();
        let id = self.core.wait(self.now, ask, self.next_waiter, &mut effects);
        self.next_waiter += 1;
        (id, effects)
    }

    pub(super) fn take(&mut self, flow: Flow) -> Option<ConnectionId> {
        let ask = self.ask_as(flow, Seniority::New);
        self.core.ask(self.now, ask).unwrap().map(|grant| grant.connection)
    }

    /// Adds a connection that nobody asked for.
    pub(super) fn add(&mut self, id: ConnectionId, streams: usize) -> Effects {
        self.core.growth.opening += 1;
        self.on(Event::Opened { connection: id, handle: id, streams, one_at_a_time: false })
    }

    /// Adds such a connection, which brings a good answer.
    pub(super) fn add_proven(&mut self, id: ConnectionId, streams: usize) {
        self.add(id, streams);
        self.on_connection(id, ConnectionEvent::Proven);
    }
}
