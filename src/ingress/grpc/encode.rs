//! What is wrong with a call becomes a status with google.rpc details.

use std::collections::HashMap;
use std::time::Duration;

use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::caller::{Denied, Unknown};
use crate::desk::{NO_ROOM_WAIT, NoRoom};
use crate::proto::ERROR_DOMAIN;
use crate::push::{Reason, Refusal};

/// A status with its reason as a detail.
pub(super) fn status(code: Code, reason: Reason, message: impl Into<String>) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason.name(), ERROR_DOMAIN, HashMap::new());
    Status::with_error_details(code, message, details)
}

/// The call itself is at fault. The status is INVALID_ARGUMENT, with the field as a path from the call's message.
/// Nothing was sent.
pub(super) fn bad_call(refusal: &Refusal) -> Status {
    let mut details = ErrorDetails::new();
    details
        .set_error_info(refusal.reason.name(), ERROR_DOMAIN, HashMap::new())
        .add_bad_request_violation(&*refusal.field, &refusal.detail);
    let message = format!("{}: {}", refusal.field, refusal.detail);
    Status::with_error_details(Code::InvalidArgument, message, details)
}

/// There is no room. Nothing was sent, so it is safe to call again.
pub(super) fn no_room(why: NoRoom) -> Status {
    let message = match why {
        NoRoom::Full(_) => {
            "the gateway has no room for more pushes of this app or caller (limits.max_in_flight); nothing was sent"
        }
        NoRoom::OverBudget => OVER_BUDGET,
        NoRoom::Draining => "the gateway is shutting down; nothing was sent",
        NoRoom::OverRate(_) => "the caller is over its rate (pushes_per_second); nothing was sent",
    };
    let code = match why {
        NoRoom::Full(_) | NoRoom::OverBudget | NoRoom::Draining => Code::Aborted,
        NoRoom::OverRate(_) => Code::ResourceExhausted,
    };
    not_taken(code, why.reason(), message.to_owned(), why.wait().unwrap_or(NO_ROOM_WAIT))
}

/// The gateway does not know the caller.
pub(super) fn unknown_caller(unknown: &Unknown) -> Status {
    status(Code::Unauthenticated, Reason::CallerUnknown, format!("{unknown}; nothing was sent"))
}

/// The caller may not make this call.
pub(super) fn denied_call(denied: Denied) -> Status {
    if let Denied::Streams(_) = denied {
        return not_taken(Code::Aborted, Reason::Overloaded, denied.to_string(), NO_ROOM_WAIT);
    }
    status(Code::PermissionDenied, Reason::NotPermitted, denied.to_string())
}

/// What the caller of a batch showed has expired while its stream was open.
pub(super) fn caller_expired() -> Status {
    let message = "what the caller showed has expired; items_read tells how far the stream was read";
    status(Code::Unauthenticated, Reason::CallerUnknown, message)
}

/// The connection has as many batch streams as it may have.
pub(super) fn too_many_batches(most: usize) -> Status {
    let message =
        format!("the connection has {most} batch streams already (grpc.max_batch_streams); nothing was sent");
    not_taken(Code::Aborted, Reason::Overloaded, message, NO_ROOM_WAIT)
}

/// The connection has as many health checks of unknown callers as it may have.
pub(super) fn too_many_of_strangers(most: usize) -> Status {
    let message = format!("the connection has {most} health checks of unknown callers already");
    not_taken(Code::Aborted, Reason::Overloaded, message, NO_ROOM_WAIT)
}

/// The connection has as many watches of health as it may have.
pub(super) fn too_many_watches(most: usize) -> Status {
    let message = format!("the connection has {most} watches of health already");
    not_taken(Code::Aborted, Reason::Overloaded, message, NO_ROOM_WAIT)
}

/// The caller of a watch is told to leave its connection.
pub(super) fn watch_over() -> Status {
    Status::unavailable("the connection is about to close; watch on another one")
}

/// The turn of a large message does not come in time, or as many wait for theirs as may wait.
pub(super) fn no_turn() -> Status {
    let message = "large messages of other calls fill the connection's room for them (grpc.max_connection_bytes); nothing was sent";
    not_taken(Code::Aborted, Reason::Overloaded, message.to_owned(), NO_ROOM_WAIT)
}

/// Why a message or a push is not taken that is too large for what is left of the budget of bytes.
const OVER_BUDGET: &str =
    "the bytes of callers fill the gateway's room for them (limits.max_held_bytes); nothing of this was sent";

/// A message is larger than it may be; `key` is the setting that says so.
pub(super) fn message_too_large(found: usize, most: usize, key: &str) -> Status {
    let message = format!("expected a message of at most {most} bytes ({key}), found {found}");
    status(Code::OutOfRange, Reason::FieldTooLarge, message)
}

/// A message ends before its length says so.
pub(super) fn message_cut_short() -> Status {
    let message = "the call ended within a message; nothing of that message was sent";
    status(Code::InvalidArgument, Reason::FieldInvalid, message)
}

/// A message did not arrive in its time.
pub(super) fn message_too_slow(timeout: Duration) -> Status {
    let message = format!(
        "a message did not arrive whole in {timeout:?} (grpc.message_timeout); nothing of it was sent"
    );
    not_taken(Code::Aborted, Reason::DeadlineExceeded, message, NO_ROOM_WAIT)
}

/// Nothing was sent, and the caller may try again after a wait.
///
/// The status is mostly ABORTED, which no gRPC library and no proxy says by itself. What they say, such as UNAVAILABLE, may
/// mean that an answer was lost, so no caller could repeat it safely.
///
/// Source: github.com/grpc/grpc, `doc/statuscodes.md`.
fn not_taken(code: Code, reason: Reason, message: String, wait: Duration) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason.name(), ERROR_DOMAIN, HashMap::new()).set_retry_info(Some(wait));
    let mut metadata = MetadataMap::new();
    // Client libraries read this, people read RetryInfo. Source: gRFC A6.
    metadata.insert("grpc-retry-pushback-ms", MetadataValue::from(wait.as_millis().max(1) as u64));
    Status::with_error_details_and_metadata(code, message, details, metadata)
}

/// The caller of a batch stopped reading; its progress comes with the status.
pub(super) fn client_not_reading(figures: HashMap<String, String>) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(Reason::ClientNotReading.name(), ERROR_DOMAIN, figures);
    let message = "the caller stopped reading results (limits.reader_stall_timeout)";
    Status::with_error_details(Code::Aborted, message, details)
}

/// A stream's deadline has come: what was read before has its verdict.
pub(super) fn out_of_time() -> Status {
    let message = "the stream's deadline ended its reading; items_read tells how far";
    status(Code::DeadlineExceeded, Reason::DeadlineExceeded, message)
}

/// The connection of a batch has reached its age, and the stream went on until the end of the grace.
pub(super) fn connection_over() -> Status {
    let message = "the connection has reached its age, and its grace has passed (grpc.max_connection_age_grace); items_read \
         tells how far the stream was read, and items without a result are in doubt";
    status(Code::Aborted, Reason::Draining, message)
}

/// The task of a batch failed. Whether items without a result were sent is in doubt.
pub(super) fn batch_broke() -> Status {
    let message = "work on the batch failed inside the gateway; items without a result are in doubt";
    status(Code::Internal, Reason::GatewayBug, message)
}
