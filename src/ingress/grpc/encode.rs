//! What is wrong with a call becomes a status with google.rpc details.

use std::collections::HashMap;
use std::time::Duration;

use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::caller::Denied;
use crate::desk::{NO_ROOM_WAIT, NoRoom};
use crate::ingress::contract::CallFault;
use crate::proto::ERROR_DOMAIN;
use crate::push::Reason;

/// A status with its reason as a detail.
pub(super) fn status(code: Code, reason: Reason, message: impl Into<String>) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason.name(), ERROR_DOMAIN, HashMap::new());
    Status::with_error_details(code, message, details)
}

/// A call that is wrong as a whole.
impl From<CallFault> for Status {
    fn from(fault: CallFault) -> Self {
        let (code, reason, message) = (code(&fault), fault.reason(), fault.to_string());
        if let Some(wait) = fault.wait() {
            return not_taken(code, reason, message, wait);
        }
        let mut details = ErrorDetails::new();
        details.set_error_info(reason.name(), ERROR_DOMAIN, figures(&fault));
        if let CallFault::Bad(refusal) = &fault {
            // The field is a path from the call's message.
            details.add_bad_request_violation(&*refusal.field, &refusal.detail);
        }
        Self::with_error_details(code, message, details)
    }
}

fn code(fault: &CallFault) -> Code {
    match fault {
        CallFault::Bad(_) => Code::InvalidArgument,
        CallFault::NoRoom(NoRoom::OverRate(_)) => Code::ResourceExhausted,
        CallFault::NoRoom(NoRoom::Full(_) | NoRoom::OverBudget | NoRoom::Draining)
        | CallFault::Denied(Denied::Streams(_))
        | CallFault::NotReading { .. }
        | CallFault::ConnectionOver => Code::Aborted,
        CallFault::UnknownCaller(_) | CallFault::CallerExpired => Code::Unauthenticated,
        CallFault::Denied(_) => Code::PermissionDenied,
        CallFault::OutOfTime => Code::DeadlineExceeded,
        CallFault::BatchBroke => Code::Internal,
    }
}

/// The progress of a batch whose caller stopped reading comes with its status.
fn figures(fault: &CallFault) -> HashMap<String, String> {
    let CallFault::NotReading { items_read, settled, undelivered } = fault else { return HashMap::new() };
    let figures = [("items_read", items_read), ("settled", settled), ("undelivered", undelivered)];
    figures.map(|(name, count)| (name.to_owned(), count.to_string())).into()
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
