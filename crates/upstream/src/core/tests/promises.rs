//! What is known to hold at every step, whoever does what the core says, and in whatever order.

use super::model::Model;
use super::seen::{Caller, CallerState};
use super::shares::shares;
use super::*;
use crate::breaker::BreakerChange;

impl Model {
    /// Checks what the core said, and gives it to a thread to do.
    pub(super) fn told(&mut self, effects: Effects) {
        for effect in &effects {
            match effect {
                Effect::Grant { waiter, grant } => {
                    let caller = self.callers.get_mut(waiter).unwrap();
                    assert_eq!(caller.state, CallerState::Waits, "it is told once, and not after it left");
                    assert!(caller.until > self.now, "nobody has a stream past its deadline");
                    caller.state = CallerState::Told;
                    let flow = caller.flow;
                    assert!(
                        flow.class == ServiceClass::Interactive
                            || !self.waits_in_time(ServiceClass::Interactive),
                        "the interactive go first"
                    );
                    assert_eq!(grant.handle, grant.connection);
                    self.in_turn(flow);
                    self.granted(flow.class, grant);
                    self.stopped_waiting(flow);
                }
                Effect::Refuse { waiter, .. } => {
                    let caller = self.callers.get_mut(waiter).unwrap();
                    assert_eq!(caller.state, CallerState::Waits, "it is told once, and not after it left");
                    caller.state = CallerState::Told;
                    let flow = caller.flow;
                    self.stopped_waiting(flow);
                }
                Effect::Breaker(change, _) => {
                    assert!(!self.shut_down);
                    assert_eq!(self.ill, !matches!(change, BreakerChange::Opened(_)));
                    self.ill = *change != BreakerChange::Closed;
                    // The probe, if there was one, has its outcome.
                    self.probe = None;
                }
                Effect::BreakerForgotten => assert!(self.ill && self.shut_down),
                Effect::Open(_) => self.opens(),
                Effect::Probe(connection) => self.probes(*connection),
                Effect::Retire { connection, handle, .. } => {
                    assert_eq!(connection, handle);
                    if let Some(seen) = self.connections.get_mut(connection) {
                        assert!(!seen.drains, "it drains once");
                        seen.drains = true;
                    }
                }
                Effect::WakeAt(_) | Effect::Moved { .. } | Effect::Allowed(_) | Effect::Closed { .. } => {}
            }
        }
        self.threads.push(effects.into());
    }

    /// A request is refused at once.
    pub(super) fn left_alone(&self, refusal: &Refusal<&'static str>) {
        if let Refusal::BreakerOpen { retry_after, .. } = refusal {
            assert!(self.ill, "a peer that is well is not left alone");
            let longest =
                self.limits.breaker.max_wait.max(self.asked_until.saturating_duration_since(self.now));
            assert!(*retry_after <= longest, "{retry_after:?}");
        }
    }

    pub(super) fn granted(&mut self, class: ServiceClass, grant: &Grant<ConnectionId>) {
        let connection = grant.connection;
        assert!(!self.ill || grant.probe.is_some(), "who is let through to a peer that fails is the probe");
        if let Some(probe) = grant.probe.filter(|_| self.ill) {
            assert_eq!(self.probe.replace((connection, probe)), None, "one probe at a time");
        }
        let live = || self.connections.values().filter(|it| it.ready());
        let (limit, used) =
            (live().map(|it| it.limit).sum::<usize>(), live().map(|it| it.used).sum::<usize>());
        assert!(class == ServiceClass::Interactive || used < limit - limit / 5, "bulk leaves a fifth");
        let fullest = live().filter(|it| it.used < it.limit).map(|it| (!it.old, it.used)).max();
        let seen = self.connections.get_mut(&connection).unwrap();
        assert!(
            seen.ready() && seen.used < seen.limit,
            "never above a limit, where it drains, or where it was silent: {seen:?}"
        );
        assert_eq!(Some((!seen.old, seen.used)), fullest, "fill, then spread");
        seen.used += 1;
        assert!(!self.shut_down);
    }

    /// A connection is asked whether it lives.
    fn probes(&mut self, connection: ConnectionId) {
        let waits = self.waits(ServiceClass::Interactive) || self.waits(ServiceClass::Bulk);
        let others = self.connections.values().any(|it| !it.drains && it.probed);
        let seen = self.connections.get_mut(&connection).unwrap();
        assert!(!seen.drains && seen.quiet, "only what was silent is asked: {seen:?}");
        assert!(!seen.probed, "it is asked once");
        assert!(seen.used > 0 || waits, "nobody asks for nothing");
        assert!(seen.used > 0 || !others, "one after the other");
        seen.probed = true;
    }

    fn opens(&mut self) {
        self.opening += 1;
        let live = || self.connections.values().filter(|it| !it.drains);
        let waits = self.waits(ServiceClass::Interactive) || self.waits(ServiceClass::Bulk);
        assert!(!waits || !live().any(|it| it.probed), "none beside one that may live");
        assert!(!waits || !live().any(|it| it.quiet && it.used < it.limit), "the silent are asked first");
        assert!(!self.shut_down);
        assert!(live().count() + self.opening <= self.limits.max_connections, "bounded");
        assert!(self.connections.len() < 2 * self.limits.max_connections, "bounded with those that drain");
        if self.one_at_a_time {
            assert!(self.opening == 1 || self.opening <= self.core.waiters.len(), "one for each that waits");
        } else {
            assert_eq!(self.opening, 1, "one for all");
            assert!(live().all(|it| !it.warming || it.old), "none beside one that is not proven");
        }
    }

    /// A party is served again only after the parties that waited beside it, and so is a flow of it.
    fn in_turn(&mut self, flow: Flow) {
        for (level, served) in shares(flow).into_iter().enumerate() {
            let missed = self.before_again.remove(&served).unwrap_or_default();
            assert!(missed.is_empty(), "{served:?} was served twice, and not once {missed:?}");
            self.before_again.values_mut().for_each(|others| _ = others.remove(&served));
            let others = self
                .callers
                .values()
                .filter(|it| it.state == CallerState::Waits && it.until > self.now)
                .map(|it| shares(it.flow)[level].clone())
                .filter(|other| *other != served && other[..=level] == served[..=level])
                .collect();
            self.before_again.insert(served, others);
        }
    }

    /// If that was the last waiter of its flow, nobody has to wait for that flow's turn any more; the same holds for a party.
    pub(super) fn stopped_waiting(&mut self, flow: Flow) {
        for (level, share) in shares(flow).into_iter().enumerate() {
            let waits = |it: &Caller| it.state == CallerState::Waits && shares(it.flow)[level] == share;
            if !self.callers.values().any(waits) {
                self.before_again.values_mut().for_each(|others| _ = others.remove(&share));
            }
        }
    }

    fn waits(&self, class: ServiceClass) -> bool {
        self.callers.values().any(|it| it.state == CallerState::Waits && it.flow.class == class)
    }

    pub(super) fn waits_in_time(&self, class: ServiceClass) -> bool {
        let waits =
            |it: &Caller| it.state == CallerState::Waits && it.flow.class == class && it.until > self.now;
        self.callers.values().any(waits)
    }

    /// What holds between any two steps.
    pub(super) fn holds(&self) {
        let live = || self.connections.values().filter(|it| !it.drains);
        for (id, seen) in &self.connections {
            assert_eq!(self.core.in_use(*id), seen.used, "connection {id}");
        }
        if let Some(probe) = self.core.health.probe() {
            let waits = |it: &Caller| it.state == CallerState::Waits;
            let waiting = self.core.health.waiting_probe();
            let waits = waiting.is_some_and(|id| self.callers.values().any(|it| it.id == id && waits(it)));
            let held = self.probe.is_some_and(|(_, it)| it == probe);
            assert!(waits || held, "the right to probe is somebody's, or anybody's");
        }
        let ready = || self.connections.values().filter(|it| it.ready());
        let room = ready().any(|it| it.used < it.limit);
        assert!(!room || !self.waits(ServiceClass::Interactive), "idle while the interactive wait");
        let (limit, used) =
            (ready().map(|it| it.limit).sum::<usize>(), ready().map(|it| it.used).sum::<usize>());
        let for_bulk = room && used < limit - limit / 5;
        assert!(!for_bulk || !self.waits(ServiceClass::Bulk), "idle while bulk waits");
        // If somebody waits, something will end the wait: a connect, a timer, an answer, or the end of a connection.
        let asked = self.callers.values().any(|it| it.state == CallerState::Waits);
        let will_be_woken =
            self.timer.is_some() || self.threads.iter().flatten().any(|it| matches!(it, Effect::WakeAt(_)));
        let bounded = live().count() >= self.limits.max_connections
            || self.connections.len() >= 2 * self.limits.max_connections;
        let warming = live().any(|it| it.warming);
        let probing = live().any(|it| it.probed);
        let silent = live().any(|it| it.quiet && it.used < it.limit);
        assert!(!asked || !silent || probing, "somebody waits beside one that nobody asks");
        assert!(
            !asked || probing || self.opening > 0 || will_be_woken || bounded || warming,
            "somebody waits, and nothing will happen"
        );
    }
}
