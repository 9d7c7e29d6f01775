//! A shell without a network, whose threads do what the core says in any order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::seen::{Caller, CallerState, Seen};
use super::shares::Share;
use super::step::Step;
use super::*;
use crate::breaker::Probe;

/// The core, and all that was seen of it.
pub(super) struct Model {
    pub(super) core: Tested,
    pub(super) limits: PoolLimits,
    pub(super) now: Instant,
    pub(super) callers: BTreeMap<u32, Caller>,
    /// Grants that requests hold.
    pub(super) held: Vec<ConnectionId>,
    /// The probe that is under way, and has no outcome yet.
    pub(super) probe: Option<(ConnectionId, Probe)>,
    /// The breaker of the peer is not closed.
    pub(super) ill: bool,
    /// The peer asked to be left alone until then.
    pub(super) asked_until: Instant,
    pub(super) connections: BTreeMap<ConnectionId, Seen>,
    pub(super) next_connection: ConnectionId,
    /// Connects that the core asked for, begun or on their way.
    pub(super) opening: usize,
    pub(super) begun: usize,
    pub(super) one_at_a_time: bool,
    /// What each thread still has to do.
    pub(super) threads: Vec<VecDeque<Effect<ConnectionId, u32, &'static str>>>,
    pub(super) timer: Option<Instant>,
    pub(super) shut_down: bool,
    /// For a party or a flow that was served: those beside it that are to be served before it is again.
    pub(super) before_again: BTreeMap<Share, BTreeSet<Share>>,
}

impl Model {
    pub(super) fn new(limits: PoolLimits) -> Self {
        Self {
            core: Core::new(limits.clone(), 1),
            limits,
            now: Instant::now(),
            callers: BTreeMap::new(),
            held: Vec::new(),
            probe: None,
            ill: false,
            asked_until: Instant::now(),
            connections: BTreeMap::new(),
            next_connection: 1,
            opening: 0,
            begun: 0,
            one_at_a_time: false,
            threads: Vec::new(),
            timer: None,
            shut_down: false,
            before_again: BTreeMap::new(),
        }
    }

    pub(super) fn step(&mut self, step: &Step) {
        match *step {
            Step::Ask { flow, wait_ms, returned } => self.ask(flow, wait_ms, returned),
            Step::Leave(which) => self.leave(which),
            Step::Return(which) => {
                if !self.held.is_empty() {
                    let connection = self.held.swap_remove(which % self.held.len());
                    self.give_back(connection);
                }
            }
            Step::Prove(which) => {
                if let Some(id) = self.some_connection(which) {
                    let seen = self.connections.get_mut(&id).unwrap();
                    seen.warming = false;
                    self.on_connection(id, ConnectionEvent::Proven);
                }
            }
            Step::Limit(which, streams) => {
                if let Some(id) = self.some_connection(which).filter(|_| !self.one_at_a_time) {
                    self.connections.get_mut(&id).unwrap().limit = streams.min(self.limits.max_streams);
                    self.on_connection(id, ConnectionEvent::Limit(streams));
                }
            }
            Step::Age(which) => {
                if let Some(id) = self.some_connection(which) {
                    self.connections.get_mut(&id).unwrap().old = true;
                    self.on_connection(id, ConnectionEvent::Aged);
                }
            }
            Step::Answer(which, count) => {
                if let Some(id) = self.some_connection(which) {
                    self.on_connection(id, ConnectionEvent::Answered(count));
                }
            }
            Step::Fail(which, symptom, asked) => {
                let asked = asked.map(Duration::from_secs);
                if let Some(id) = self.some_connection(which) {
                    self.asked_until = self.asked_until.max(self.now + asked.unwrap_or_default());
                    self.on_connection(id, ConnectionEvent::Failed(symptom, asked));
                }
            }
            Step::EndProbe => {
                if let Some((id, probe)) = self.probe.take() {
                    self.on_connection(id, ConnectionEvent::ProbeOver(probe));
                }
            }
            Step::Drain(which, why) => {
                if let Some(id) = self.some_connection(which) {
                    self.on_connection(id, ConnectionEvent::Drains(why));
                }
            }
            Step::Close(which) => {
                if let Some(id) = self.some_connection(which) {
                    self.connections.remove(&id);
                    self.on_connection(id, ConnectionEvent::Closed(EndCause::Io));
                }
            }
            Step::Quiet(which) => {
                if let Some(id) = self.some_connection(which).filter(|_| !self.one_at_a_time) {
                    self.connections.get_mut(&id).unwrap().quiet = true;
                    self.on_connection(id, ConnectionEvent::Quiet);
                }
            }
            Step::Alive(which) => {
                if let Some(id) = self.some_connection(which) {
                    let seen = self.connections.get_mut(&id).unwrap();
                    (seen.quiet, seen.probed) = (false, false);
                    self.on_connection(id, ConnectionEvent::Alive);
                }
            }
            Step::ProbeLost(which) => self.probe_lost(which),
            Step::Slept => {
                if !self.one_at_a_time {
                    self.connections.values_mut().for_each(|it| it.quiet = true);
                }
                self.on(Event::Slept);
            }
            Step::Connected { streams } => self.connected(streams),
            Step::ConnectFailed { forbidden, crowded } => {
                self.connect_ends(Event::ConnectFailed { error: "no", forbidden, crowded })
            }
            Step::ConnectAbandoned => self.connect_ends(Event::ConnectAbandoned),
            Step::Pass { ms } => {
                self.now += Duration::from_millis(ms);
                if self.timer.is_some_and(|at| at <= self.now) {
                    self.timer = None;
                    self.on(Event::Woken);
                }
            }
            Step::Perform(which) => self.perform(which),
            Step::DrainBatches => self.on(Event::DrainBatches),
            Step::TurnAway(what) => self.turn_away(what),
            Step::ShutDown => {
                self.shut_down = true;
                self.on(Event::ShutDown(EndCause::Shutdown));
            }
        }
        self.holds();
    }

    /// Every thread does all that it was told, and every request ends: nothing is left of any of them.
    pub(super) fn end(mut self) {
        self.step(&Step::ShutDown);
        while self.threads.iter().any(|thread| !thread.is_empty()) {
            self.step(&Step::Perform(0));
        }
        while !self.held.is_empty() {
            self.step(&Step::Return(0));
        }
        assert!(self.callers.values().all(|caller| caller.state != CallerState::Waits), "{:?}", self.callers);
        assert!(!self.core.connections.any_in_use() && self.core.waiters.is_empty());
    }

    fn ask(&mut self, flow: Flow, wait_ms: u64, returned: bool) {
        let until = self.now + Duration::from_millis(wait_ms);
        let ask =
            StreamAsk { flow, until, seniority: if returned { Seniority::Returned } else { Seniority::New } };
        match self.core.ask(self.now, ask) {
            Ok(Some(grant)) => {
                assert!(!self.waits_in_time(flow.class), "it overtook those who wait");
                self.granted(flow.class, &grant);
                self.held.push(grant.connection);
            }
            Ok(None) => {
                let number = u32::try_from(self.callers.len()).unwrap();
                let mut effects = Effects::new();
                let id = self.core.wait(self.now, ask, number, &mut effects);
                let caller = Caller { id, flow, until, state: CallerState::Waits, gone: false };
                self.callers.insert(number, caller);
                self.told(effects);
            }
            Err(refusal) => self.left_alone(&refusal),
        }
    }

    fn turn_away(&mut self, what: u64) {
        let waiting = |model: &Self| -> Vec<_> {
            let waits = model.callers.values().filter(|caller| caller.state == CallerState::Waits);
            waits.map(|caller| (caller.id, caller.flow.depends_on)).collect()
        };
        let before = waiting(self);
        self.on(Event::TurnAway(what));
        let others: Vec<_> = before.into_iter().filter(|(_, depends_on)| *depends_on != what).collect();
        assert_eq!(waiting(self), others, "those who depend on something else wait on");
    }

    fn leave(&mut self, which: usize) {
        let stays: Vec<_> =
            self.callers.iter().filter(|(_, it)| !it.gone).map(|(number, _)| *number).collect();
        let Some(number) = stays.get(which % stays.len().max(1)) else { return };
        let caller = self.callers.get_mut(number).unwrap();
        caller.gone = true;
        if caller.state == CallerState::Waits {
            caller.state = CallerState::Left;
            let (flow, id) = (caller.flow, caller.id);
            self.core.left(id);
            self.stopped_waiting(flow);
        }
    }

    fn probe_lost(&mut self, which: usize) {
        let probed: Vec<_> =
            self.connections.iter().filter(|(_, it)| it.probed && !it.drains).map(|(id, _)| *id).collect();
        let Some(id) = which.checked_rem(probed.len()).map(|at| probed[at]) else { return };
        self.on_connection(id, ConnectionEvent::Drains(EndCause::PingLost));
        assert!(self.connections.values().all(|it| it.drains || !it.quiet), "all that were silent go");
        self.connections.remove(&id);
        self.on_connection(id, ConnectionEvent::Closed(EndCause::PingLost));
    }

    fn connected(&mut self, streams: usize) {
        if self.begun == 0 {
            return;
        }
        (self.begun, self.opening) = (self.begun - 1, self.opening - 1);
        let id = self.next_connection;
        self.next_connection += 1;
        let one_at_a_time = streams == 0;
        let streams = streams.max(1);
        if !self.shut_down {
            self.one_at_a_time = one_at_a_time;
            let limit = streams.min(self.limits.max_streams);
            let warming = self.limits.proves_credential;
            self.connections.insert(id, Seen { limit, warming, ..Seen::default() });
        }
        self.on(Event::Opened { connection: id, handle: id, streams, one_at_a_time });
    }

    fn connect_ends(&mut self, event: Event<ConnectionId, &'static str>) {
        if self.begun == 0 {
            return;
        }
        (self.begun, self.opening) = (self.begun - 1, self.opening - 1);
        let forbidden = matches!(event, Event::ConnectFailed { forbidden: true, .. });
        self.on(event);
        if forbidden && self.connections.values().all(|it| it.drains) {
            assert!(self.core.waiters.is_empty(), "a refusal reaches all that wait");
        }
    }

    fn perform(&mut self, which: usize) {
        self.threads.retain(|thread| !thread.is_empty());
        let Some(thread) = which.checked_rem(self.threads.len()) else { return };
        match self.threads[thread].pop_front().unwrap() {
            Effect::Grant { waiter, grant } => {
                if self.callers[&waiter].gone {
                    self.give_back(grant.connection);
                } else {
                    self.held.push(grant.connection);
                }
            }
            Effect::Open(_) => self.begun += 1,
            Effect::WakeAt(at) => self.timer = Some(self.timer.map_or(at, |armed| armed.min(at))),
            Effect::Probe(_)
            | Effect::Refuse { .. }
            | Effect::Retire { .. }
            | Effect::Moved { .. }
            | Effect::Allowed(_)
            | Effect::Breaker(..)
            | Effect::BreakerForgotten
            | Effect::Closed { .. } => {}
        }
    }

    fn on_connection(&mut self, id: ConnectionId, event: ConnectionEvent) {
        self.on(Event::Connection(id, event));
    }

    fn on(&mut self, event: Event<ConnectionId, &'static str>) {
        let mut effects = Effects::new();
        self.core.on(self.now, event, &mut effects);
        self.told(effects);
    }

    fn give_back(&mut self, connection: ConnectionId) {
        if let Some(seen) = self.connections.get_mut(&connection) {
            seen.used -= 1;
        }
        if !self.core.returned_to_nobody(connection, 1) {
            self.on_connection(connection, ConnectionEvent::Returned);
        }
    }

    fn some_connection(&self, which: usize) -> Option<ConnectionId> {
        self.connections.keys().nth(which % self.connections.len().max(1)).copied()
    }
}
