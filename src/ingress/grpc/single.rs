//! SendPush: one push, one verdict.

use std::time::SystemTime;

use tonic::{Request, Status};

use super::{decode, encode, timeout};
use crate::desk::{Caller, Desk, NoRoom, Settled};
use crate::proto;

/// Hands in the push of a call. This function is not async, so its future does not hold the message.
pub(super) fn send(
    desk: &Desk,
    request: Request<proto::SendPushRequest>,
) -> Result<impl Future<Output = Result<Settled, NoRoom>> + Send, Status> {
    let (metadata, _, message) = request.into_parts();
    let arrival = timeout::arrival(&metadata);
    let push = message.push.ok_or_else(|| encode::bad_call(&decode::push_required()))?;
    let draft = decode::push(*push, "", SystemTime::now());
    Ok(desk.submit(&Caller::Anonymous, draft, arrival))
}
