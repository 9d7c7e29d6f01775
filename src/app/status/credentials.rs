//! What the apps show, as the status tells of it: each credential at each place, with its newest token, and every certificate.

use std::time::SystemTime;

use super::remedies;
use crate::app::certificates::CertificateLook;
use crate::credential::{StandingLook, TokenLook};
use crate::status::{CredentialState, CredentialStatus, Fault, Trouble, at, clock};

/// Those that need somebody come first.
pub(super) fn told(
    standings: Vec<StandingLook>,
    tokens: &[TokenLook],
    certificates: &[CertificateLook],
    now: SystemTime,
) -> Vec<CredentialStatus> {
    let mut told: Vec<_> = standings
        .into_iter()
        .map(|standing| {
            let token = tokens.iter().find(|token| token.label == standing.label);
            of_standing(standing, token, now)
        })
        .collect();
    // A VAPID key is judged by each subscription apart, so it stands nowhere.
    let elsewhere: Vec<_> =
        tokens.iter().filter(|token| !told.iter().any(|status| status.name == token.label)).collect();
    told.extend(elsewhere.into_iter().map(|token| CredentialStatus {
        name: token.label.clone(),
        kind: token.kind.into(),
        place: "push services of browsers".to_owned(),
        state: CredentialState::Good,
        since: None,
        reason: None,
        made_at: token.made_at,
        expires_at: token.expires_at.map(at),
        trouble: None,
    }));
    told.extend(certificates.iter().map(|certificate| of_certificate(certificate, now)));
    told.sort_by(|one, other| {
        let name = |it: &CredentialStatus| (it.name.clone(), it.place.clone());
        other.state.cmp(&one.state).then_with(|| name(one).cmp(&name(other)))
    });
    told
}

fn of_standing(standing: StandingLook, token: Option<&TokenLook>, now: SystemTime) -> CredentialStatus {
    let expires_at = token.and_then(|token| token.expires_at).map(at);
    let failure = token.and_then(|token| token.failure.clone());
    let no_token = failure.filter(|_| expires_at.is_none_or(|expires_at| expires_at <= now));
    let (state, since, reason) = match standing.refusal {
        Some(refusal) => {
            let answer = refusal.answer;
            let reason = if answer.reason.is_empty() { answer.detail } else { answer.reason };
            (CredentialState::Refused, Some(at(refusal.since)), Some(reason))
        }
        None if no_token.is_some() => (CredentialState::Unavailable, None, no_token),
        None => (CredentialState::Good, None, None),
    };
    CredentialStatus {
        name: standing.label,
        kind: token.map_or("client certificate", |token| token.kind).into(),
        place: standing.place,
        state,
        since,
        reason,
        made_at: token.and_then(|token| token.made_at),
        expires_at,
        trouble: None,
    }
}

fn of_certificate(certificate: &CertificateLook, now: SystemTime) -> CredentialStatus {
    let validity = certificate.validity;
    let (kind, place) = match &certificate.owner {
        Some((app, provider)) => ("client certificate", format!("app {app}, {}", provider.name())),
        None => ("certificate of a listener", certificate.listener.to_string()),
    };
    CredentialStatus {
        name: certificate.label.clone(),
        kind: kind.into(),
        place,
        state: if validity.has_ended(now) {
            CredentialState::Ended
        } else if validity.ends_soon(now) {
            CredentialState::EndsSoon
        } else {
            CredentialState::Good
        },
        since: None,
        reason: None,
        made_at: None,
        expires_at: Some(validity.until()),
        trouble: of_listener(certificate, now),
    }
}

/// What is wrong with the certificate of a listener. Of an app's certificate its app tells.
fn of_listener(certificate: &CertificateLook, now: SystemTime) -> Option<Trouble> {
    let (listener, validity) = (&certificate.listener, certificate.validity);
    if certificate.owner.is_some() || !validity.ends_soon(now) {
        return None;
    }
    let until = clock(validity.until(), now);
    let (since, sentence) = if validity.has_ended(now) {
        let sentence = format!(
            "The certificate of listener {listener} ended at {until}, so whoever verifies it cannot connect."
        );
        (validity.until(), sentence)
    } else {
        let sentence = format!(
            "The certificate of listener {listener} ends at {until}. Then whoever verifies it cannot connect."
        );
        (validity.soon_since(), sentence)
    };
    Some(Trouble { sentence, fault: Fault::Operator, since, remedy: remedies::CERTIFICATE.to_owned() })
}
