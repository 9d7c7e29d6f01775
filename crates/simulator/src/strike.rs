//! Applies faults to connections that are open.

use std::sync::Arc;

use super::fault::{AfterGoAway, Fault, GoAway, HangUp, LastId};
use super::filter::{FilterHandle, MAX_STREAM_ID, code};
use super::http1::connection::{End, Http1Connection};
use super::shared::Shared;

/// Why a fault cannot strike an open connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrikeError {
    /// No open connection has this number.
    #[error("connection {0} is not open")]
    NotOpen(u64),
    /// The fault needs a request, or a connection that is yet to open.
    #[error("the fault strikes requests or new connections, not open ones")]
    NotForConnections,
}

/// Applies `fault` to the open connection with this number, now.
pub(super) fn by_number(shared: &Arc<Shared>, id: u64, fault: &Fault) -> Result<(), StrikeError> {
    let struck = match shared.connections.http1(id) {
        Some(connection) => http1(&connection, fault),
        None => {
            let filter = shared.connections.http2(id).ok_or(StrikeError::NotOpen(id))?;
            http2(shared, &filter, None, fault)
        }
    };
    if struck { Ok(()) } else { Err(StrikeError::NotForConnections) }
}

/// Applies `fault` to an HTTP/2 connection; `stream` is the one whose request set the fault off. The result is false
/// if the fault does not concern connections.
pub(super) fn http2(
    shared: &Arc<Shared>,
    filter: &Arc<FilterHandle>,
    stream: Option<u32>,
    fault: &Fault,
) -> bool {
    match fault {
        Fault::GoAway(GoAway { last, code, reason, then }) => {
            let last = match last {
                LastId::This => stream.unwrap_or_else(|| filter.highest()),
                // The ids of client streams are odd, so the stream before has an id that is two less.
                LastId::BeforeThis => stream.unwrap_or_else(|| filter.highest()).saturating_sub(2),
                LastId::Highest => filter.highest(),
                LastId::Exact(id) => *id,
            };
            filter.goaway(last, *code, reason.as_deref(), *then);
        }
        Fault::GracefulGoAway { pause, reason } => {
            filter.goaway(MAX_STREAM_ID, code::NO_ERROR, reason.as_deref(), AfterGoAway::Serve);
            let (filter, reason, pause) = (Arc::clone(filter), reason.clone(), *pause);
            let stop = shared.stop.clone();
            shared.tasks.spawn(async move {
                if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
                    filter.goaway(filter.highest(), code::NO_ERROR, reason.as_deref(), AfterGoAway::Drain);
                }
            });
        }
        Fault::SetMaxStreams(limit) => filter.set_limit(*limit),
        Fault::HangUp { how, .. } => filter.hang_up(*how),
        Fault::HalfOpen => filter.stall(),
        Fault::Throttle { bytes, every } => filter.throttle(*bytes, *every),
        Fault::Answer(_)
        | Fault::Refuse(_)
        | Fault::Front(_)
        | Fault::Delay(_)
        | Fault::Silence
        | Fault::HeadersWithoutBody
        | Fault::BodyWithoutEnd
        | Fault::HugeBody(_)
        | Fault::Trickle { .. }
        | Fault::ResetStream { .. }
        | Fault::RefuseThenClosed
        | Fault::RefuseTcp
        | Fault::RefuseTls
        | Fault::SilentTls
        | Fault::WrongName
        | Fault::ExpiredCertificate
        | Fault::NoSettings => return false,
    }
    true
}

/// Applies `fault` to an HTTP/1.1 connection. The result is false if the fault does not concern connections. Instead
/// of a GOAWAY the next answer says `connection: close`, and an idle connection ends at once.
pub(super) fn http1(connection: &Http1Connection, fault: &Fault) -> bool {
    match fault {
        Fault::HangUp { how, .. } => connection.end(End::HangUp(*how)),
        Fault::HalfOpen => connection.end(End::Stalled),
        Fault::Throttle { bytes, every } => {
            connection.throttle_to(*bytes, *every);
        }
        Fault::GoAway(_) | Fault::GracefulGoAway { .. } => {
            if connection.close_after_answer() {
                connection.end(End::HangUp(HangUp::Fin));
            }
        }
        Fault::SetMaxStreams(_)
        | Fault::Answer(_)
        | Fault::Refuse(_)
        | Fault::Front(_)
        | Fault::Delay(_)
        | Fault::Silence
        | Fault::HeadersWithoutBody
        | Fault::BodyWithoutEnd
        | Fault::HugeBody(_)
        | Fault::Trickle { .. }
        | Fault::ResetStream { .. }
        | Fault::RefuseThenClosed
        | Fault::RefuseTcp
        | Fault::RefuseTls
        | Fault::SilentTls
        | Fault::WrongName
        | Fault::ExpiredCertificate
        | Fault::NoSettings => return false,
    }
    true
}
