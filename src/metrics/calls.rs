//! Metrics of calls that were refused with a status.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// The statuses of gRPC, in the order of their numbers. Source: github.com/grpc/grpc, `doc/statuscodes.md`.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// What is called: the RPCs of the contract, the health checks, and everything else.
const RPCS: [&str; 5] = ["SendPush", "SendPushes", "SendBatch", "Health", "other"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    rpc: &'static str,
    code: &'static str,
}

/// Counts calls that were refused with a status, each by its RPC and its code.
#[derive(Debug, Clone)]
pub struct RefusedCalls(Arc<[[Counter; CODES.len()]; RPCS.len()]>);

impl RefusedCalls {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let family = Family::<CallLabels, Counter>::default();
        let help = "Calls that ended with a status and no answer, by RPC and code";
        registry.register("grpc_calls_refused", help, family.clone());
        let counters = RPCS.map(|rpc| {
            CODES.map(|code| match code {
                // No call is refused with it, so that nobody is shown a series of it.
                "OK" => Counter::default(),
                code => family.get_or_create_owned(&CallLabels { rpc, code }),
            })
        });
        Self(Arc::new(counters))
    }

    /// Returns the label of an RPC of this name.
    #[must_use]
    pub(crate) fn rpc(name: &str) -> Option<&'static str> {
        RPCS.into_iter().find(|rpc| *rpc == name)
    }

    /// Counts a call of an RPC, by the label of it, that was refused with a code of this number.
    pub(crate) fn count(&self, rpc: &'static str, code: usize) {
        let of_rpc = RPCS.iter().zip(&*self.0).find(|(name, _)| **name == rpc);
        if let Some(counter) = of_rpc.and_then(|(_, counters)| counters.get(code)) {
            counter.inc();
        }
    }
}
