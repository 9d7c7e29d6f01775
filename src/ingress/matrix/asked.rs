//! The path of a push gateway of Matrix.

use http::Method;

use crate::caller::Rpc;
use crate::ingress::http::Terms;

/// The only path that homeservers call. Source: Matrix specification, "Push Gateway API".
const NOTIFY: &str = "/_matrix/push/v1/notify";

/// What probes ask sygnal for, so that they need not change.
const HEALTH: &str = "/health";

/// The largest body. Homeservers send a few kilobytes, and sygnal takes half of it.
const MAX_BYTES: usize = 1024 * 1024;

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// That devices are told of an event.
    Notify,
    /// Whether this is a push gateway of Matrix.
    Discovery,
    /// Whether the gateway answers.
    Health,
}

impl Asked {
    /// What is asked for by this method at this path, if it is one of this ingress.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        match path {
            NOTIFY if method == Method::GET => Some(Self::Discovery),
            NOTIFY => Some(Self::Notify),
            HEALTH => Some(Self::Health),
            _ => None,
        }
    }

    /// On which terms.
    pub(crate) fn terms(self) -> Terms {
        let (methods, rpc) = match self {
            Self::Notify => ("GET, POST", Some(Rpc::SendPush)),
            Self::Discovery => ("GET, POST", None),
            Self::Health => ("GET, HEAD", None),
        };
        Terms { methods, rpc, max_bytes: MAX_BYTES }
    }
}
