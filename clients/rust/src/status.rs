//! What a status says beside its code.

use std::error::Error;
use std::time::Duration;

use tonic::{Code, ConnectError, Status};
use tonic_types::StatusExt;

/// The domain of statuses that a gateway itself decided on. Every other one may come from a library or a proxy, also when it
/// is only the answer that was lost.
const ERROR_DOMAIN: &str = "push.fanfare.dev";

pub(crate) fn is_gateways(status: &Status) -> bool {
    status.get_details_error_info().is_some_and(|info| info.domain == ERROR_DOMAIN)
}

/// How long the gateway asks to wait. Without advice it is zero.
pub(crate) fn advised_wait(status: &Status) -> Duration {
    status.get_details_retry_info().and_then(|info| info.retry_delay).unwrap_or_default()
}

/// Whether no gateway could be reached, so that nothing left this process.
pub(crate) fn is_unreached(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether a call that failed has surely sent nothing; of a stream, nothing that its last progress does not count as read. Of its
/// own statuses the gateway says so of each but INTERNAL.
pub(crate) fn nothing_sent(status: &Status) -> bool {
    is_unreached(status) || (is_gateways(status) && status.code() != Code::Internal)
}

/// Whether another stream may fare better than one that ended so.
pub(crate) fn goes_on(status: &Status, begun: bool) -> bool {
    let of_connections = [Code::Unavailable, Code::Cancelled, Code::Unknown, Code::Internal];
    // Where a gateway does not know the caller any more, what was shown has expired. The file may hold another by now.
    let expired = status.code() == Code::Unauthenticated && begun;
    status.code() == Code::Aborted
        || expired
        || (of_connections.contains(&status.code()) && !is_gateways(status))
}
