//! A fault, when it strikes, and how often.

use serde::{Deserialize, Serialize};

use super::json_forms;
use super::kinds::Fault;
use crate::service::Service;

/// A fault, when it strikes, and how often.
///
/// A rule can be written as one word, as `--fault` takes it: `"delay:2s@service:fcm*3".parse()`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// When it strikes.
    #[serde(default)]
    pub when: Trigger,
    /// What happens.
    pub fault: Fault,
    /// How often it strikes at most; [`FaultRule::ALWAYS`] has no end.
    #[serde(default = "once", with = "json_forms::times")]
    pub times: u32,
}

impl FaultRule {
    /// A value of [`FaultRule::times`] that has no end.
    pub const ALWAYS: u32 = json_forms::times::ALWAYS;

    /// Makes a rule that strikes once.
    pub fn once(when: Trigger, fault: Fault) -> Self {
        Self { when, fault, times: 1 }
    }

    /// Makes a rule that strikes every time.
    pub fn always(when: Trigger, fault: Fault) -> Self {
        Self { when, fault, times: Self::ALWAYS }
    }
}

fn once() -> u32 {
    1
}

/// When a fault strikes. All numbers start at 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// It strikes at every request, or, if it is a fault of opening, at every connection.
    #[default]
    Always,
    /// It strikes at the n-th connection of all listeners, or at every request on that connection.
    Connection(u64),
    /// It strikes at every request to this service, or at every connection to it.
    Service(Service),
    /// It strikes at the n-th request that arrives, counted over all connections.
    Request(u64),
    /// It strikes at the n-th request of one connection.
    RequestOf {
        /// The number of the connection.
        connection: u64,
        /// The place of the request on that connection.
        request: u64,
    },
    /// It strikes at the n-th request of every connection.
    RequestOfEach(u64),
    /// It strikes at a push to this device token, registration token or device id. For Web Push this is the path and
    /// query of the subscription.
    DeviceToken(String),
    /// It strikes at a request whose path begins with this text.
    PathPrefix(String),
    /// It strikes at this share of the requests or connections, from 0 to 1, drawn from the seed of the simulator.
    Probability(f64),
}
