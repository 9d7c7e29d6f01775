//! What `--serve` leaves running: a gateway with its admin listener, its push services, and a push now and then.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};
use tonic::transport::Channel;

use super::super::signals::StopSignals;
use super::plan::{self, Browsers};
use crate::app::Gateway;
use crate::proto::{self, push_service_client::PushServiceClient};

/// How long it is from one push to the next.
const TRICKLE: Duration = Duration::from_millis(100);

/// Where the gateway can be watched and called.
pub(super) struct ServedAt {
    grpc: SocketAddr,
    admin: SocketAddr,
}

impl ServedAt {
    pub(super) fn of(gateway: &Gateway) -> Self {
        Self { grpc: gateway.grpc_address(), admin: gateway.admin_address() }
    }

    pub(super) fn as_json(&self) -> serde_json::Value {
        let Self { grpc, admin } = self;
        json!({ "grpc": format!("http://{grpc}"), "status_page": format!("http://{admin}/") })
    }
}

impl fmt::Display for ServedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { grpc, admin } = self;
        write!(
            f,
            "\nThe gateway stays, with a push every {} ms, until Ctrl-C or SIGTERM.\n\n  \
             status page      http://{admin}/\n  \
             in a terminal    fanfare top http://{admin}\n  \
             a push           fanfare send --to http://{grpc} --app {app} --apns 900d0001 --title Hello",
            TRICKLE.as_millis(),
            app = plan::APP
        )
    }
}

/// Sends a push now and then until a signal comes. They go on from push `next`.
pub(super) async fn until_told(
    mut signals: StopSignals,
    channel: Channel,
    mut next: u32,
    browsers: &Browsers,
) {
    let trickle = async {
        let mut ticks = interval(TRICKLE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut client = PushServiceClient::new(channel);
        loop {
            ticks.tick().await;
            let push = plan::planned(next, browsers).push();
            // Its verdict is seen on the status page.
            let _ = client.send_push(proto::SendPushRequest { push: Some(push.into()) }).await;
            next = next.wrapping_add(1);
        }
    };
    tokio::select! {
        () = signals.wait() => {}
        () = trickle => {}
    }
}
