//! A fault, when it strikes, and how often.

use serde::{Deserialize, Serialize};

use super::kinds::Fault;
use super::words;
use crate::service::Service;

/// A fault and when it strikes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// When it strikes.
    #[serde(default)]
    pub when: Trigger,
    /// What happens.
    pub fault: Fault,
    /// How often at most; [`FaultRule::ALWAYS`] never wears out.
    #[serde(default = "once", with = "words::times")]
    pub times: u32,
}

impl FaultRule {
    /// For [`FaultRule::times`]: without end.
    pub const ALWAYS: u32 = words::times::ALWAYS;

    /// A fault that strikes once.
    pub fn once(when: Trigger, fault: Fault) -> Self {
        Self { when, fault, times: 1 }
    }

    /// A fault that never wears out.
    pub fn always(when: Trigger, fault: Fault) -> Self {
        Self { when, fault, times: Self::ALWAYS }
    }
}

fn once() -> u32 {
    1
}

/// When a fault strikes. Numbers start at 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// At every connection (for an opening fault) or every request (for any other).
    #[default]
    Always,
    /// At connection `n`, counted over both listeners; for other faults, at its requests.
    Connection(u64),
    /// At every connection to this listener; for other faults, at the requests on it.
    Service(Service),
    /// At the n-th request that arrives, over all connections.
    Request(u64),
    /// At the n-th request of connection `connection`.
    RequestOf {
        /// The connection's number.
        connection: u64,
        /// The request's place on it.
        request: u64,
    },
    /// At the n-th request of every connection.
    RequestOfEach(u64),
    /// At a push to this device token; of Web Push, to the subscription with this path and query.
    DeviceToken(String),
    /// At a request whose path starts so.
    PathPrefix(String),
    /// At this share of the connections or requests, 0 to 1, drawn from the simulator's seed.
    Probability(f64),
}
