//! SendPush: one push, one verdict.

use std::time::SystemTime;

use futures_util::future::{Either, FutureExt, ready};
use tonic::{Request, Status};

use super::{decode, encode, timeout};
use crate::desk::{Arrival, Caller, Desk, Draft, Settled};
use crate::proto;

/// Sends the push of a call. This function is not async, and what it returns is awaited as it is, so the future of a call
/// holds neither the message nor what is awaited a second time.
pub(super) fn send(
    desk: &Desk,
    request: Request<proto::SendPushRequest>,
) -> impl Future<Output = Result<Settled, Status>> + Send {
    match draft(request) {
        Ok((draft, arrival)) => {
            let settled = desk.submit(&Caller::Anonymous, draft, arrival);
            Either::Left(settled.map(|settled| settled.map_err(encode::no_room)))
        }
        Err(status) => Either::Right(ready(Err(status))),
    }
}

fn draft(request: Request<proto::SendPushRequest>) -> Result<(Draft, Arrival), Status> {
    let (metadata, _, message) = request.into_parts();
    let arrival = timeout::arrival(&metadata);
    let push = message.push.ok_or_else(|| encode::bad_call(&decode::push_required()))?;
    Ok((decode::push(*push, "", SystemTime::now()), arrival))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use prometheus_client::metrics::gauge::Gauge;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::desk::{Admission, BatchSettings, DeskSettings};
    use crate::dispatch::{DispatchSettings, Dispatcher, Routes};
    use crate::ingress::grpc::Service;
    use crate::metrics::Metrics;
    use crate::proto::push_service_server::PushService;

    /// What is kept for each call in flight was 1,672 bytes when this was written. A future that is kept twice, as the operand
    /// of `?` in front of `.await` is, takes 1,544 more.
    #[tokio::test]
    async fn a_call_in_flight_keeps_its_future_once() {
        let service = Service {
            desk: Arc::new(Desk::new(
                DeskSettings { max_wait: Duration::from_secs(1), batch: BatchSettings::default() },
                Routes::default(),
                Arc::new(Admission::new(1, Gauge::default())),
                Dispatcher::new(DispatchSettings::default(), CancellationToken::new()),
                Metrics::default().pushes,
            )),
            max_batch_streams: 1,
            batches: TaskTracker::new(),
        };
        let call = service.send_push(Request::new(proto::SendPushRequest::default()));
        let size = size_of_val(&*call);
        assert!(size < 2048, "{size} bytes");
        assert_eq!(call.await.unwrap_err().code(), tonic::Code::InvalidArgument);
    }
}
