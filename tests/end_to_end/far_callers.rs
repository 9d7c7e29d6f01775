//! Callers far away: their verdicts leave in time to be there before the callers stop waiting.

use std::net::SocketAddr;
use std::time::Duration;

use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{self, Outcome};
use fanfare_simulator::ApnsScriptedOutcome;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tonic::transport::Endpoint;

use crate::harness::{World, good, push};

/// How long bytes take in each direction.
const AWAY: Duration = Duration::from_millis(300);

/// How long the callers wait. Half of it is more than both ways.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Hands bytes on, `AWAY` after they came.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let (come, mut coming) = mpsc::channel::<(Instant, Vec<u8>)>(1024);
    let reading = async move {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            if come.send((Instant::now() + AWAY, buffer[..count].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((due, bytes)) = coming.recv().await {
            sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(reading, writing);
}

/// A relay to an address that is far away.
async fn far_away(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (near_from, near_to) = near.into_split();
                let (far_from, far_to) = TcpStream::connect(to).await.unwrap().into_split();
                tokio::join!(carry(near_from, far_to), carry(far_from, near_to));
            });
        }
    });
    address
}

#[tokio::test]
async fn a_caller_far_away_gets_its_verdicts_before_its_deadline() {
    // Without what the gateway measures, this would leave when the callers have just gone.
    let margin = Duration::from_millis(250);
    let world = World::with(|builder| builder, |config| config.grpc.deadline_margin = margin).await;
    let relay = far_away(world.gateway.grpc_address()).await;
    let channel = Endpoint::from_shared(format!("http://{relay}")).unwrap().connect().await.unwrap();
    let client = PushServiceClient::new(channel);
    let send = async |number: usize| {
        let mut request =
            tonic::Request::new(proto::SendPushRequest { push: Some(Box::new(push(&good(number)))) });
        request.set_timeout(TIMEOUT);
        client.clone().send_push(request).await.map(|answer| answer.into_inner().result.unwrap().outcome())
    };
    // The way is measured once the caller has acknowledged the gateway's settings, which is before this call ends.
    assert_eq!(send(0).await.unwrap(), Outcome::Accepted);
    let silent = 1..11;
    for number in silent.clone() {
        world.simulator.script_outcome(&good(number), ApnsScriptedOutcome::Silent);
    }
    for outcome in futures_util::future::join_all(silent.map(send)).await {
        assert_eq!(outcome.expect("a verdict, not the caller's own deadline"), Outcome::Unconfirmed);
    }
}
