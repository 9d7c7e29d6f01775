//! What may be wrong with one app on one provider, each in a sentence that names who, where, since when and why.

use std::time::SystemTime;

use fanfare_upstream::PeerLook;

use super::history::Outcomes;
use super::remedies::{self, service};
use crate::app::certificates::CertificateLook;
use crate::credential::{StandingLook, TokenLook};
use crate::dispatch::RouteLook;
use crate::push::Outcome;
use crate::status::{AppHealth, Fault, Problem, at, clock};

/// Fewer pushes in a minute say nothing by their outcomes alone.
const ENOUGH_PUSHES: u64 = 10;

/// Something that is wrong.
pub(super) struct Finding {
    pub(super) health: AppHealth,
    pub(super) sentence: String,
    /// Whose fault it is; none where nothing is wrong.
    pub(super) fault: Option<Fault>,
    pub(super) remedy: String,
    /// Since when, where somebody knows it better than whoever looks. The sentence says it then.
    pub(super) since: Option<SystemTime>,
}

/// What is around a route.
pub(super) struct Surroundings<'a> {
    pub(super) now: SystemTime,
    /// The outcomes of its last minute.
    pub(super) minute: &'a Outcomes,
    pub(super) tokens: &'a [TokenLook],
    pub(super) certificates: &'a [CertificateLook],
    pub(super) problems: &'a [Problem],
}

/// Everything that is wrong.
pub(super) fn of(route: &RouteLook, around: &Surroundings<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(certificate(route, around));
    found.extend(route.standings.iter().filter_map(|standing| refused(route, standing, around)));
    found.extend(access_token(route, around));
    found.extend(part(route, around));
    found.extend(route.peers.iter().filter_map(|peer| failing(route, peer, around)));
    found.extend(suspicion(route, around));
    found.extend(paced(route, around));
    if found.is_empty() {
        found.extend(outcomes(route, around));
    }
    found
}

fn certificate(route: &RouteLook, around: &Surroundings<'_>) -> Option<Finding> {
    let of_route = |it: &&CertificateLook| it.owner == Some((route.app.clone(), route.provider));
    let validity = around.certificates.iter().find(of_route)?.validity;
    let (name, until) = (service(route.provider), clock(validity.until(), around.now));
    let (health, sentence, since) = if validity.has_ended(around.now) {
        let sentence = format!("The client certificate for {name} ended at {until}, so nothing is sent.");
        (AppHealth::Failing, sentence, Some(validity.until()))
    } else if validity.ends_soon(around.now) {
        let sentence = format!("The client certificate for {name} ends at {until}.");
        (AppHealth::Troubled, sentence, Some(validity.soon_since()))
    } else {
        return None;
    };
    let fault = Some(Fault::Operator);
    Some(Finding { health, sentence, fault, remedy: remedies::CERTIFICATE.to_owned(), since })
}

fn refused(route: &RouteLook, standing: &StandingLook, around: &Surroundings<'_>) -> Option<Finding> {
    let refusal = standing.refusal.as_ref()?;
    let answer = &refusal.answer;
    let since = at(refusal.since);
    // What the answer says comes before what to do about it.
    let (says, advice) = answer.detail.split_once("; ").unwrap_or((&answer.detail, ""));
    let why = if answer.reason.is_empty() { says } else { &answer.reason };
    let status = answer.status.map(|status| format!(" ({status})")).unwrap_or_default();
    let who = if standing.place == "token endpoint" { "Google" } else { service(route.provider) };
    let topical = standing.place.contains(", topic ");
    Some(Finding {
        health: if topical { AppHealth::Troubled } else { AppHealth::Failing },
        sentence: format!(
            "{who} refuses {credential} {place} since {since}: {why}{status}.",
            credential = standing.credential,
            place = remedies::place(&standing.place),
            since = clock(since, around.now),
        ),
        fault: Some(Fault::Operator),
        remedy: remedies::refused(advice),
        since: Some(since),
    })
}

/// An access token that cannot be fetched. A refusal has a standing of its own.
fn access_token(route: &RouteLook, around: &Surroundings<'_>) -> Option<Finding> {
    let its = |token: &&TokenLook| route.standings.iter().any(|standing| standing.label == token.label);
    let token = around.tokens.iter().find(its)?;
    let why = token.failure.as_ref()?;
    if route.standings.iter().any(|it| it.place == "token endpoint" && it.refusal.is_some()) {
        return None;
    }
    let left = token.expires_at.filter(|expires_at| at(*expires_at) > around.now);
    let (health, until) = match left {
        Some(expires_at) => {
            let until = clock(at(expires_at), around.now);
            (AppHealth::Troubled, format!("; the last one is good until {until}"))
        }
        None => (AppHealth::Failing, String::new()),
    };
    let sentence = format!("Google gives no new access token for {}: {why}{until}.", token.label);
    let (fault, remedy) = (Some(Fault::Network), remedies::TOKEN_ENDPOINT.to_owned());
    Some(Finding { health, sentence, fault, remedy, since: None })
}

fn part(route: &RouteLook, around: &Surroundings<'_>) -> Option<Finding> {
    let part = route.part.as_ref()?;
    let (name, since) = (service(route.provider), at(part.since));
    let sentence = format!(
        "{name} fails for {} since {}: it answers {}.",
        part.part,
        clock(since, around.now),
        part.status
    );
    let (fault, remedy) = (Some(Fault::Upstream), remedies::THEIRS.to_owned());
    Some(Finding { health: AppHealth::Failing, sentence, fault, remedy, since: Some(since) })
}

fn failing(route: &RouteLook, peer: &PeerLook, around: &Surroundings<'_>) -> Option<Finding> {
    let failure = peer.failure.as_ref()?;
    let (name, origin) = (service(route.provider), &peer.origin);
    let (fault, remedy) = (Some(remedies::at_fault(failure)), remedies::failing(failure));
    Some(match peer.left_alone {
        Some(left) => {
            let since = at(left.since);
            let sentence = format!("{name} at {origin} fails since {}: {failure}.", clock(since, around.now));
            Finding { health: AppHealth::Failing, sentence, fault, remedy, since: Some(since) }
        }
        None => {
            let sentence = format!("{name} at {origin} has answered nothing since a failure: {failure}.");
            Finding { health: AppHealth::Troubled, sentence, fault, remedy, since: None }
        }
    })
}

fn suspicion(route: &RouteLook, around: &Surroundings<'_>) -> Option<Finding> {
    let suspects = route.suspects?;
    let name = service(route.provider);
    let last = last_problem(route, around, |it| {
        it.outcome == Outcome::InvalidToken.name() || it.outcome == Outcome::Unregistered.name()
    });
    let why = last.map(said).unwrap_or_default();
    Some(Finding {
        health: AppHealth::Failing,
        sentence: format!(
            "{name} refuses so many of its targets that callers are told to set them aside, not to delete them{why}."
        ),
        fault: Some(Fault::Operator),
        remedy: format!("Check {suspects}: they are the likelier culprit than so many targets."),
        since: None,
    })
}

fn paced(route: &RouteLook, around: &Surroundings<'_>) -> Option<Finding> {
    let paces = route.peers.iter().filter_map(|peer| peer.pace.as_ref()).chain(&route.pace);
    let limited = paces.filter_map(|pace| Some((pace, pace.limited_since?)));
    let (pace, since) = limited.min_by(|(one, _), (other, _)| one.per_second.total_cmp(&other.per_second))?;
    let sentence = format!(
        "{} asks to slow down, last at {}: {} pushes a second leave, and {} wait.",
        service(route.provider),
        clock(at(since), around.now),
        (pace.per_second * 10.0).round() / 10.0,
        pace.waiting
    );
    let (fault, remedy) = (Some(Fault::Quota), remedies::PACED.to_owned());
    Some(Finding { health: AppHealth::Troubled, sentence, fault, remedy, since: None })
}

/// Most pushes of the last minute were not accepted, and nothing else says why.
fn outcomes(route: &RouteLook, around: &Surroundings<'_>) -> Option<Finding> {
    let count = |outcome: Outcome| around.minute.get(outcome as usize).copied().unwrap_or_default();
    let all: u64 = around.minute.iter().sum();
    let good = count(Outcome::Accepted) + count(Outcome::Validated);
    if all < ENOUGH_PUSHES || good * 2 >= all {
        return None;
    }
    let bad = Outcome::ALL.into_iter().filter(|it| !matches!(it, Outcome::Accepted | Outcome::Validated));
    let most = bad.max_by_key(|outcome| count(*outcome))?;
    let last = last_problem(route, around, |it| it.outcome == most.name());
    let why = last.map(said).unwrap_or_default();
    Some(Finding {
        health: AppHealth::Troubled,
        sentence: format!(
            "Of {all} pushes in the last minute {} were not accepted, most of them {}{why}.",
            all - good,
            most.name().to_uppercase()
        ),
        fault: Some(remedies::at_fault_for(most)),
        remedy: remedies::OUTCOMES.to_owned(),
        since: None,
    })
}

fn last_problem<'a>(
    route: &RouteLook,
    around: &Surroundings<'a>,
    of: impl Fn(&Problem) -> bool,
) -> Option<&'a Problem> {
    let its = |it: &&Problem| it.app == route.app.as_str() && it.provider == route.provider.name() && of(it);
    around.problems.iter().find(its)
}

fn said(problem: &Problem) -> String {
    let reason = &problem.upstream_reason;
    format!(": {}", if reason.is_empty() { &problem.detail } else { reason })
}
