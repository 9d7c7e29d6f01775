//! SendPush: one push, one verdict.

use std::time::SystemTime;

use tokio::time::Instant;
use tonic::{Request, Status};

use super::refused::Refused;
use super::{Core, deadline, decode, encode};
use crate::dispatch::{Push, Room, Terms};
use crate::proto;
use crate::push::ServiceClass;
use crate::upstream::Flow;

/// A push that was admitted.
struct Admitted {
    push: Push,
    room: Room,
    begun: Instant,
    deadline: Instant,
}

/// Sends the push of a call and waits for its verdict.
pub(super) async fn send(
    core: &Core,
    request: Request<proto::SendPushRequest>,
) -> Result<proto::PushResult, Status> {
    let Admitted { push, mut room, begun, deadline } = match admit(core, request)? {
        Ok(admitted) => admitted,
        Err(refused) => return Ok(refused.encode(0)),
    };
    let terms = Terms { flow: Flow::SINGLE, begun, deadline, parent: None };
    let result = push.send(&core.dispatcher, None, &terms, &mut room).await;
    let labels = push.body.labels.clone();
    Ok(encode::result(0, push.id.into_string(), labels, result))
}

/// Decodes and admits a push. Apart from sending it, so that the message does not live as long.
fn admit(
    core: &Core,
    request: Request<proto::SendPushRequest>,
) -> Result<Result<Admitted, Box<Refused>>, Status> {
    let begun = Instant::now();
    let (metadata, _, message) = request.into_parts();
    let push = message.push.ok_or_else(|| encode::bad_call(&decode::push_required()))?;
    let push = match core.decode(*push, SystemTime::now()) {
        Ok(decoded) => decoded,
        Err(refused) => {
            core.metrics.refused(refused.reason_name());
            return Ok(Err(refused));
        }
    };
    let room = core.admission.admit(ServiceClass::Interactive).map_err(|why| {
        core.metrics.refused(encode::no_room_name(why));
        encode::no_room(why)
    })?;
    let max_wait = push.body.options.max_wait.unwrap_or(core.max_wait);
    let deadline = deadline::single(begun, max_wait, &metadata);
    Ok(Ok(Admitted { push, room, begun, deadline }))
}
