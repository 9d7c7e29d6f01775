//! Whose fault it is what is wrong, what to do about it, and how services and places are called.

use fanfare_upstream::{PeerFailure, Symptom};

use crate::provider::Provider;
use crate::provider::apns::Apns;
use crate::provider::fcm::Fcm;
use crate::provider::mattermost::Mattermost;
use crate::provider::webpush::WebPush;
use crate::push::{Outcome, ProviderKind};
use crate::status::Fault;

pub(super) const CERTIFICATE: &str =
    "Replace its file with a newer certificate. The gateway reads it by itself.";
pub(super) const THEIRS: &str = "The push service is at fault; look at its own status page. One push at a time asks it again, and the others follow once it answers.";
pub(super) const TOKEN_ENDPOINT: &str =
    "Check the way to the token endpoint: names, firewall and proxy. The gateway goes on asking.";
pub(super) const PACED: &str = "Send fewer pushes, or ask the push service for a larger quota. Pushes whose turn would come too late are NOT_ATTEMPTED.";
pub(super) const OUTCOMES: &str = "Look at its latest problems: each says what is wrong with its pushes.";
const WAY_OUT: &str = "Check the way out of this network: firewall, routes and proxy.";

/// A push service as people call it.
pub(super) fn service(provider: ProviderKind) -> &'static str {
    match provider {
        Apns::KIND => "APNs",
        Fcm::KIND => "FCM",
        WebPush::KIND => "Web Push",
        Mattermost::KIND => "the push proxy",
        other => other.name(),
    }
}

/// Where a credential is shown, as the part of a sentence.
pub(super) fn place(place: &str) -> String {
    if let Some(rest) = place.strip_prefix("apns production") {
        format!("in production{rest}")
    } else if let Some(rest) = place.strip_prefix("apns sandbox") {
        format!("in the sandbox{rest}")
    } else if let Some(project) = place.strip_prefix("fcm project ") {
        format!("for project {project}")
    } else {
        format!("at the {place}")
    }
}

/// What to do about a credential that is refused, where its answer advises this.
pub(super) fn refused(advice: &str) -> String {
    let again = "A mended credential is taken again within a minute, without a restart.";
    if advice.is_empty() {
        return format!("Upload a credential that the push service takes, or mend it there. {again}");
    }
    format!("{}. {again}", capitalized(advice.trim_end_matches('.')))
}

/// The same as the beginning of a sentence.
pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// Whose fault it is that a peer fails like this.
pub(super) fn at_fault(failure: &PeerFailure) -> Fault {
    match failure {
        PeerFailure::Connect(_) => Fault::Network,
        PeerFailure::Symptom(_) => Fault::Upstream,
    }
}

/// Whose fault it is that pushes have this outcome.
pub(super) fn at_fault_for(outcome: Outcome) -> Fault {
    match outcome {
        Outcome::Credential => Fault::Operator,
        Outcome::RateLimited => Fault::Quota,
        Outcome::UpstreamUnavailable | Outcome::Unconfirmed => Fault::Upstream,
        Outcome::Internal | Outcome::NotAttempted => Fault::Gateway,
        Outcome::Accepted
        | Outcome::Validated
        | Outcome::Unregistered
        | Outcome::InvalidToken
        | Outcome::InvalidPush
        | Outcome::PayloadTooLarge => Fault::Caller,
    }
}

/// What to do about a peer that fails like this.
pub(super) fn failing(failure: &PeerFailure) -> String {
    let says = match failure {
        PeerFailure::Connect(error) => match error.cause() {
            "resolve" => "Check the name server of this machine, and the spelling of the host.",
            "tls" => {
                "Check the roots that are trusted (ca_files), the clock, and what stands between that shows a certificate of its own."
            }
            "proxy" => "Check the proxy: whether it runs, and whether it lets this host through.",
            _ => WAY_OUT,
        },
        PeerFailure::Symptom(Symptom::Status(_)) => return THEIRS.to_owned(),
        PeerFailure::Symptom(Symptom::NoAnswer) => {
            "It takes requests and answers none: check what stands between, then the status page of the push service."
        }
        PeerFailure::Symptom(_) => {
            "Check what stands between the gateway and the push service, then the status page of the push service."
        }
    };
    format!("{says} One push at a time asks it again.")
}
