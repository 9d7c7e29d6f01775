//! A credential that a push service refuses: all whom it concerns hear it, few requests are made in vain, and it is taken
//! again when it was mended.

mod apns;
mod apns_key;
mod certificates;
mod google;
mod mended;

use fanfare::proto::{self, Outcome, Reason};
use fanfare_simulator::ProviderKey;

use crate::harness::{World, http_get};

/// How many requests are a handful: the two that shut a credential, and the probes of some minutes.
const A_HANDFUL: usize = 10;

/// Checks that a push was answered for its credential, in the words of APNs.
fn refused_by_apns(result: &proto::PushResult, status: u32, reason: &str) {
    let seen = (result.outcome(), result.reason(), result.upstream_status, result.upstream_reason.as_str());
    let expected = (Outcome::Credential, Reason::UpstreamAnswered, status, reason);
    assert_eq!(seen, expected, "{result:?}");
    assert!(!result.retryable && result.retry_after.is_none(), "{result:?}");
}

/// The result of a push that was sent as nobody's probe. One in some seconds is, also of those that a test sends.
async fn beside_probes(world: &World, push: impl Fn(usize) -> proto::Push) -> proto::PushResult {
    let mut result = world.send(push(0)).await;
    for number in 1..A_HANDFUL {
        if result.attempts == 0 {
            break;
        }
        result = world.send(push(number)).await;
    }
    result
}

/// Checks that a push was not sent, and told which credential is refused, and where.
fn not_sent(result: &proto::PushResult, named: &[&str]) {
    assert_eq!((result.outcome(), result.attempts), (Outcome::Credential, 0), "{result:?}");
    for name in named {
        assert!(result.detail.contains(name), "{name}: {}", result.detail);
    }
}

/// The name of a key in metrics.
fn label(key: &ProviderKey) -> String {
    format!("{}/{}", key.team_id, key.key_id)
}

/// What `/readyz` says.
async fn readiness(world: &World) -> String {
    let answer = http_get(world.gateway.admin_address(), "/readyz").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    body.to_owned()
}
