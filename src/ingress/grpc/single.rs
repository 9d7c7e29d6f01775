//! SendPush: one push, one verdict.

use fanfare_upstream::coarse_now;
use futures_util::future::{Either, FutureExt, ready};
use tonic::{Request, Response, Status};

use super::incoming::share;
use super::{authenticate, timeout, traced};
use crate::desk::{Desk, Draft, NoRoom, Settled};
use crate::held_bytes::is_small;
use crate::ingress::contract::{self, CallFault};
use crate::proto;

/// Sends the push of a call. This function is not async, and what it returns is awaited as it is, so the future of a call
/// holds neither the message nor what is awaited a second time.
pub(super) fn send(
    desk: &Desk,
    request: Request<proto::MeasuredPush>,
) -> impl Future<Output = Result<Response<proto::SendPushResponse>, Status>> + Send {
    match submit(desk, request) {
        Ok(submitted) => Either::Left(submitted.map(respond)),
        Err(status) => Either::Right(ready(Err(status))),
    }
}

fn respond(settled: Result<Settled, NoRoom>) -> Result<Response<proto::SendPushResponse>, Status> {
    let settled = settled.map_err(CallFault::NoRoom)?;
    Ok(Response::new(proto::SendPushResponse { result: Some(contract::settled(settled)) }))
}

fn submit(
    desk: &Desk,
    request: Request<proto::MeasuredPush>,
) -> Result<impl Future<Output = Result<Settled, NoRoom>> + Send, Status> {
    let (metadata, extensions, proto::MeasuredPush { message, bytes }) = request.into_parts();
    let (caller, arrival) = (authenticate::caller(&extensions)?, timeout::arrival(&metadata, &extensions));
    let push = message.push.ok_or_else(|| CallFault::Bad(contract::push_required()))?;
    // Most pushes are small, and need no look at their connection.
    let held = if is_small(bytes) { Ok(None) } else { share(&extensions).in_flight(bytes) };
    let draft = contract::push(*push, "", coarse_now(), held);
    Ok(desk.submit(caller, Draft { parent: traced::span(&extensions), ..draft }, arrival))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::caller::Caller;
    use crate::desk::{Admission, BatchSettings, DeskSettings, OnceSettings};
    use crate::dispatch::{DispatchSettings, Dispatcher, Routes};
    use crate::ingress::grpc::Service;
    use crate::metrics::Metrics;
    use crate::proto::server::push_service_server::PushService;

    /// What is kept for each call in flight was 1,504 bytes when this was written, in an allocation of 1,536. The operand of `?`
    /// in front of `.await` would be kept beside what is awaited, and an async function would keep its message.
    #[tokio::test]
    async fn a_call_in_flight_keeps_its_future_once() {
        let service = Service {
            desk: Arc::new(Desk::new(
                DeskSettings {
                    max_wait: Duration::from_secs(1),
                    deadline_margin: Duration::ZERO,
                    batch: BatchSettings::default(),
                    once: OnceSettings::default(),
                },
                Routes::default(),
                Arc::new(Admission::new(1, Arc::default())),
                Dispatcher::new(DispatchSettings::default(), CancellationToken::new()),
                Metrics::default().pushes,
            )),
            max_batch_streams: 1,
            max_message_items: 1,
            stream_window: 1,
            answer_stall_timeout: Duration::ZERO,
            batches: TaskTracker::new(),
        };
        let empty = proto::MeasuredPush { message: proto::SendPushRequest::default(), bytes: 0 };
        let mut request = Request::new(empty);
        request.extensions_mut().insert(Caller::anyone());
        let call = service.send_push(request);
        let size = size_of_val(&*call);
        assert!(size <= 1536, "{size} bytes");
        assert_eq!(call.await.unwrap_err().code(), tonic::Code::InvalidArgument);
    }
}
