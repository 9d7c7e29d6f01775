//! The script of faults: it decides which fault strikes next.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::fault::{Fault, FaultRule, OpeningFault, Trigger};
use super::service::Service;
use super::sync::lock;

/// What a trigger may look at when a request has arrived.
pub(super) struct Arrival<'a> {
    pub(super) connection: u64,
    pub(super) service: Service,
    /// The place of the request among all requests, from 1.
    pub(super) request: u64,
    /// The place of the request on its connection, from 1.
    pub(super) request_of_connection: u64,
    pub(super) path: &'a str,
    pub(super) device_token: Option<&'a str>,
}

/// The rules in the order in which they were added; the first that fits strikes.
pub(super) struct Rules {
    script: Mutex<Script>,
    /// Spares the lock while there is no rule, as in every benchmark.
    any: AtomicBool,
}

struct Script {
    rules: Vec<(u64, FaultRule)>,
    /// The number of the rule that was added last.
    last: u64,
    dice: fastrand::Rng,
}

impl Rules {
    pub(super) fn new(seed: u64) -> Self {
        let script = Script { rules: Vec::new(), last: 0, dice: fastrand::Rng::with_seed(seed) };
        Self { script: Mutex::new(script), any: AtomicBool::new(false) }
    }

    /// Adds a rule and returns its number. Numbers start at 1.
    pub(super) fn add(&self, rule: FaultRule) -> u64 {
        let mut script = lock(&self.script);
        script.last += 1;
        let number = script.last;
        script.rules.push((number, rule));
        self.any.store(true, Ordering::SeqCst);
        number
    }

    /// Returns the rules that are left with their numbers; `times` says how often each may still strike.
    pub(super) fn list(&self) -> Vec<(u64, FaultRule)> {
        lock(&self.script).rules.clone()
    }

    /// Removes a rule. The result is false if there is none with this number.
    pub(super) fn remove(&self, number: u64) -> bool {
        let mut script = lock(&self.script);
        let before = script.rules.len();
        script.rules.retain(|(own, _)| *own != number);
        script.rules.len() < before
    }

    pub(super) fn clear(&self) {
        lock(&self.script).rules.clear();
        self.any.store(false, Ordering::SeqCst);
    }

    /// Returns the fault of connection `number` before its first request.
    pub(super) fn at_opening(&self, number: u64, service: Service) -> Option<OpeningFault> {
        self.strike(true, |when, dice| match when {
            Trigger::Always => true,
            Trigger::Connection(wanted) => *wanted == number,
            Trigger::Service(wanted) => *wanted == service,
            Trigger::Probability(share) => dice.f64() < *share,
            Trigger::Request(_)
            | Trigger::RequestOf { .. }
            | Trigger::RequestOfEach(_)
            | Trigger::DeviceToken(_)
            | Trigger::PathPrefix(_) => false,
        })
        .and_then(|fault| fault.opening())
    }

    /// Whether no rule is left.
    pub(super) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::SeqCst)
    }

    /// Returns the fault of a push to a device that only the body names.
    pub(super) fn at_token(&self, token: &str) -> Option<Fault> {
        self.strike(false, |when, _| matches!(when, Trigger::DeviceToken(wanted) if wanted == token))
    }

    /// Returns the fault of a request.
    pub(super) fn at_request(&self, arrival: &Arrival<'_>) -> Option<Fault> {
        self.strike(false, |when, dice| match when {
            Trigger::Always => true,
            Trigger::Connection(wanted) => *wanted == arrival.connection,
            Trigger::Service(wanted) => *wanted == arrival.service,
            Trigger::Request(wanted) => *wanted == arrival.request,
            Trigger::RequestOf { connection, request } => {
                *connection == arrival.connection && *request == arrival.request_of_connection
            }
            Trigger::RequestOfEach(wanted) => *wanted == arrival.request_of_connection,
            Trigger::DeviceToken(wanted) => arrival.device_token == Some(wanted),
            Trigger::PathPrefix(prefix) => arrival.path.starts_with(prefix),
            Trigger::Probability(share) => dice.f64() < *share,
        })
    }

    fn strike(&self, opening: bool, fits: impl Fn(&Trigger, &mut fastrand::Rng) -> bool) -> Option<Fault> {
        if self.is_empty() {
            return None;
        }
        let mut script = lock(&self.script);
        let Script { rules, dice, last: _ } = &mut *script;
        let at = rules.iter().position(|(_, rule)| {
            rule.fault.opening().is_some() == opening && rule.times > 0 && fits(&rule.when, dice)
        })?;
        let (_, rule) = rules.get_mut(at)?;
        let fault = rule.fault.clone();
        if rule.times != FaultRule::ALWAYS {
            rule.times -= 1;
        }
        if rule.times == 0 {
            rules.remove(at);
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_as_often_as_it_says() {
        let rules = Rules::new(7);
        rules.add(FaultRule { when: Trigger::Connection(2), fault: Fault::RefuseTls, times: 1 });
        assert!(rules.at_opening(1, Service::Fcm).is_none());
        assert!(rules.at_opening(2, Service::Fcm) == Some(OpeningFault::RefuseTls));
        assert!(rules.at_opening(2, Service::Fcm).is_none());
    }

    #[test]
    fn the_same_seed_draws_the_same_faults() {
        let draw = || {
            let rules = Rules::new(7);
            rules.add(FaultRule::always(Trigger::Probability(0.5), Fault::NoSettings));
            (0..64).map(|number| rules.at_opening(number, Service::Fcm).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
        assert!(draw().contains(&true) && draw().contains(&false));
    }
}
