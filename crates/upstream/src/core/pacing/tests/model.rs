//! A shell that does what the core says, late and as drawn, and holds it to its promises.

use std::collections::BTreeMap;

use super::*;

/// What is drawn.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Ask {
        bulk: bool,
        flow: u64,
        wait_ms: u64,
    },
    Leave(usize),
    /// What the flows of this number depend on is of no use any more.
    TurnAway(u64),
    Pass {
        ms: u64,
        late_ms: u64,
    },
    /// The service says that there are too many requests, of which one began so long ago.
    Limited {
        target: Option<u64>,
        begun_ms: u64,
        taken: u64,
    },
}

pub(super) struct Model {
    pacing: Pacing<u64>,
    settings: PaceSettings,
    begin: Instant,
    now: Instant,
    waiting: BTreeMap<u64, (WaiterId, Flow, Instant)>,
    names: u64,
    wake_at: Option<Instant>,
    /// When each turn was given.
    turns: Vec<Instant>,
    taken: u64,
}

impl Model {
    pub(super) fn new(settings: PaceSettings) -> Self {
        let begin = Instant::now();
        let pacing = Pacing::new(begin, settings);
        let (waiting, turns) = (BTreeMap::new(), Vec::new());
        Self { pacing, settings, begin, now: begin, waiting, names: 0, wake_at: None, turns, taken: 0 }
    }

    pub(super) fn step(&mut self, step: &Step) {
        let mut effects = Vec::new();
        match *step {
            Step::Ask { bulk, flow, wait_ms } => {
                let class = if bulk { ServiceClass::Bulk } else { ServiceClass::Interactive };
                let flow = Flow { class, id: flow, ..Flow::SINGLE };
                let until = self.now + Duration::from_millis(wait_ms);
                match self.pacing.ask(self.now, flow, until) {
                    Ok(true) => {
                        let served_first = |(_, it, _): &(_, Flow, _)| it.class == ServiceClass::Interactive;
                        assert!(!self.pacing.is_paced() || !self.waiting.values().any(served_first));
                        self.turns.push(self.now);
                    }
                    Ok(false) => {
                        self.names += 1;
                        let id = self.pacing.wait(self.now, flow, until, self.names, &mut effects);
                        self.waiting.insert(self.names, (id, flow, until));
                    }
                    Err(Refusal::TooLong(wait)) => assert!(self.now + wait >= until),
                    Err(Refusal::Full(_)) => assert_eq!(self.waiting.len(), self.settings.max_waiters),
                }
            }
            Step::Leave(which) => {
                let names: Vec<_> = self.waiting.keys().copied().collect();
                if !names.is_empty()
                    && let Some((id, ..)) = self.waiting.remove(&names[which % names.len()])
                {
                    self.pacing.left(self.now, id);
                }
            }
            Step::TurnAway(what) => {
                self.pacing.turn_away(|flow| flow.id == what, &mut effects);
                let left = self.waiting.values().filter(|(_, flow, _)| flow.id != what).count();
                assert_eq!(effects.len(), self.waiting.len() - left, "whoever depends on it is told");
            }
            Step::Pass { ms, late_ms } => {
                let end = self.now + Duration::from_millis(ms);
                while let Some(at) = self.wake_at.filter(|at| *at <= end) {
                    self.now = self.now.max(at + Duration::from_millis(late_ms)).min(end);
                    self.wake_at = None;
                    let mut effects = Vec::new();
                    self.pacing.woken(self.now, &mut effects);
                    self.perform(effects);
                }
                self.now = end;
            }
            Step::Limited { target, begun_ms, taken } => {
                self.taken += taken;
                let begun = (self.now - Duration::from_millis(begun_ms)).max(self.begin);
                let taken_per_second = taken as f64;
                let limited = Limited { begun, target, taken_per_second, taken: self.taken };
                let before = self.pacing.fill(self.now);
                self.pacing.limited(self.now, limited, &mut effects);
                let (before, after) = (before.unwrap_or(f64::INFINITY), self.pacing.per_second());
                assert!(after.is_none_or(|after| after <= before.max(0.1) * 1.000_001), "{before} {after:?}");
            }
        }
        self.perform(effects);
        assert!(self.waiting.is_empty() || self.wake_at.is_some(), "there is something that ends each wait");
    }

    fn perform(&mut self, effects: Vec<PaceEffect<u64>>) {
        for effect in effects {
            match effect {
                PaceEffect::Turn(name) => {
                    let (_, flow, until) = self.waiting.remove(&name).expect("whoever waits is told once");
                    assert!(self.now < until, "nobody has a turn past its deadline");
                    let interactive = |(_, it, _): &(_, Flow, _)| it.class == ServiceClass::Interactive;
                    if flow.class == ServiceClass::Bulk {
                        assert!(!self.waiting.values().any(interactive));
                    }
                    self.turns.push(self.now);
                }
                PaceEffect::NoTurn(name) => {
                    let (_, _, until) = self.waiting.remove(&name).expect("whoever waits is told once");
                    assert!(self.now >= until);
                }
                PaceEffect::TurnedAway(name) => {
                    self.waiting.remove(&name).expect("whoever waits is told once");
                }
                PaceEffect::WakeAt(at) => {
                    assert!(self.wake_at.is_none_or(|armed| at < armed));
                    self.wake_at = Some(at);
                }
                PaceEffect::Lowered(_) | PaceEffect::Whole => {}
            }
        }
    }

    /// Holds all turns against the settings.
    pub(super) fn end(self) {
        let Some(most) = self.settings.most_per_second else { return };
        let burst = self.settings.burst.min(most).max(1.0);
        let (mut first, ramp) = (0, self.settings.ramp.as_secs_f64());
        let least = if ramp > 0.0 { self.settings.free_per_second.clamp(most.min(1.0), most) } else { most };
        for (at, turn) in self.turns.iter().enumerate() {
            while *turn - self.turns[first] > Duration::from_secs(1) {
                first += 1;
            }
            let within = (at - first + 1) as f64;
            assert!(within <= most + burst + 0.01, "{within} turns in a second");
            let passed = (*turn - self.begin).as_secs_f64();
            let rise = if ramp > 0.0 { (most - least) / ramp * passed * passed / 2.0 } else { 0.0 };
            let allowed = burst + least * passed + rise;
            assert!(at as f64 + 1.0 <= allowed + 0.01, "{at} turns in {passed} s overtake the ramp");
        }
    }
}
