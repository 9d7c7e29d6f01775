//! The verdict over one app on one provider: the worst of what was found, or that nothing is wrong.

use super::findings::{self, Finding, Surroundings};
use super::history::History;
use super::remedies::{capitalized, service};
use crate::dispatch::RouteLook;
use crate::push::Outcome;
use crate::status::{AppHealth, AppStatus, clock};

/// How an app is.
pub(super) fn of(route: &RouteLook, around: &Surroundings<'_>, history: &mut History) -> AppStatus {
    let mut findings = findings::of(route, around);
    // The sort is stable, so that of equally bad ones the first found comes first.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.health));
    let mut findings = findings.into_iter();
    let worst = findings.next().unwrap_or_else(|| nothing(route));
    let now = around.now;
    let seen = history.in_health_since(route, worst.health, now);
    let mut sentence = capitalized(&worst.sentence);
    if worst.since.is_none() && worst.fault.is_some() {
        sentence.push_str(&format!(" It has been so since {}.", clock(seen, now)));
    }
    let last_minute = Outcome::ALL.into_iter().zip(around.minute).filter(|(_, count)| **count > 0);
    AppStatus {
        app: route.app.to_string(),
        provider: route.provider.name().into(),
        health: worst.health,
        since: worst.since.unwrap_or(seen),
        sentence,
        fault: worst.fault,
        remedy: worst.remedy,
        also: findings.map(|finding| capitalized(&finding.sentence)).collect(),
        last_minute: last_minute.map(|(outcome, count)| (outcome.name().into(), *count)).collect(),
    }
}

fn nothing(route: &RouteLook) -> Finding {
    let name = service(route.provider);
    let (health, sentence) = if route.attempts == 0 {
        (AppHealth::Unused, format!("No push was handed to {name} since the gateway was started."))
    } else {
        (AppHealth::Well, format!("{name} takes its pushes."))
    };
    Finding { health, sentence, fault: None, remedy: String::new(), since: None }
}
