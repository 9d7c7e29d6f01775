//! Gateways come and go while their callers send: nobody is refused, and nothing is sent twice.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{self, Delivery, Outcome, Reason};
use fanfare_simulator::ApnsScriptedOutcome;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use tonic_types::StatusExt;
use tower_service::Service;

use crate::batch_command::{batch, by_line, line, outcome, read};
use crate::harness::{SOON, World, config, connect, good, http_get, metric, push, until};
use crate::killed::serve;
use crate::listener::frames::{PREFACE, SETTINGS, goaways};
use crate::secrets::write_config;
use crate::send_batch::{BatchCaller, message};
use crate::surroundings::{ended, signal};

/// Connects to the first address that takes connections, as a client does that knows several gateways.
#[derive(Clone)]
struct FirstThatListens([SocketAddr; 2]);

impl Service<Uri> for FirstThatListens {
    type Response = TokioIo<TcpStream>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let addresses = self.0;
        Box::pin(async move { TcpStream::connect(&addresses[..]).await.map(TokioIo::new) })
    }
}

/// What a caller saw that sent pushes one after the other over a connection of its own.
#[derive(Debug, Default)]
struct Seen {
    sent: usize,
    /// What gateways said that did not take a call.
    refused: Vec<tonic::Status>,
}

/// Sends pushes one after the other until it is told to stop. A call that its client did not send, since the connection was
/// just closing, is sent again, as gRPC libraries do by themselves.
async fn send_on(
    addresses: [SocketAddr; 2],
    first: usize,
    count: Arc<AtomicUsize>,
    stop: CancellationToken,
) -> Seen {
    let channel = Endpoint::from_static("http://localhost")
        .connect_with_connector(FirstThatListens(addresses))
        .await
        .unwrap();
    let mut client = PushServiceClient::new(channel);
    let mut seen = Seen::default();
    while !stop.is_cancelled() {
        let push = push(&good(first + seen.sent));
        match client.send_push(proto::SendPushRequest { push: Some(Box::new(push)) }).await {
            Ok(answer) => {
                let result = answer.into_inner().result.unwrap();
                assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
                seen.sent += 1;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Err(status) if status.get_error_details().error_info().is_some() => seen.refused.push(status),
            Err(_) => tokio::task::yield_now().await,
        }
    }
    seen
}

#[tokio::test]
async fn callers_that_obey_goaway_are_not_refused_while_a_push_is_held() {
    const CALLERS: usize = 8;
    let world = World::start().await;
    // Until a push was answered, others wait for that answer.
    world.send(push(&good(1))).await;
    let World { simulator, gateway, mut client } = world;
    let second = Gateway::start(config(&simulator), Network::default()).await.unwrap();
    let addresses = [gateway.grpc_address(), second.grpc_address()];
    simulator.script_outcome(&good(0), ApnsScriptedOutcome::Silent);
    let request = proto::SendPushRequest { push: Some(Box::new(push(&good(0)))) };
    let held = tokio::spawn(async move { client.send_push(request).await });
    let (sent, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let callers: Vec<_> = (1..=CALLERS)
        .map(|caller| tokio::spawn(send_on(addresses, caller * 100_000, Arc::clone(&sent), stop.clone())))
        .collect();
    let more = |count: usize| {
        let sent = Arc::clone(&sent);
        async move {
            let before = sent.load(Ordering::Relaxed);
            until(|| sent.load(Ordering::Relaxed) >= before + count).await;
        }
    };
    more(200).await;
    let ending = tokio::spawn(gateway.shut_down());
    // They go on while the first gateway holds its push.
    more(500).await;
    assert!(!ending.is_finished(), "the first gateway waits for the push that it holds");
    // A drain waits for no push whose caller has left.
    held.abort();
    ending.await.unwrap();
    more(200).await;
    stop.cancel();
    let mut taken = 0;
    for caller in callers {
        let seen = caller.await.unwrap();
        assert!(seen.refused.is_empty(), "{:?}", seen.refused);
        taken += seen.sent;
    }
    assert_eq!(
        simulator.journal().arrived(),
        taken as u64 + 2,
        "with the first push, and the one that was held"
    );
    assert!(simulator.journal().duplicates().is_empty());
}

/// Carries what a client says to a gateway, and what the gateway says back until it is told to keep that.
async fn keeping(to: SocketAddr, keep: CancellationToken) -> PushServiceClient<Channel> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let near = listener.accept().await.unwrap().0;
        let far = TcpStream::connect(to).await.unwrap();
        let ((mut near_read, mut near_write), (mut far_read, mut far_write)) =
            (near.into_split(), far.into_split());
        let there = tokio::io::copy(&mut near_read, &mut far_write);
        let back = keep.run_until_cancelled(tokio::io::copy(&mut far_read, &mut near_write));
        let _ = tokio::join!(there, back);
    });
    PushServiceClient::connect(address).await.unwrap()
}

/// A caller that never hears of the GOAWAY goes on in good faith, which must not keep the gateway for ever.
#[tokio::test]
async fn a_caller_that_hears_no_goaway_is_refused_after_a_moment() {
    let world = World::start().await;
    let keep = CancellationToken::new();
    let deaf = keeping(world.gateway.grpc_address(), keep.clone()).await;
    let call = |client: &PushServiceClient<Channel>, number| {
        let mut client = client.clone();
        let request = proto::SendPushRequest { push: Some(Box::new(push(&good(number)))) };
        async move { client.send_push(request).await }
    };
    call(&deaf, 1).await.unwrap();
    world.simulator.script_outcome(&good(0), ApnsScriptedOutcome::Silent);
    let World { simulator, gateway, client } = world;
    let held = tokio::spawn(call(&client, 0));
    simulator.journal().wait_for_read(2, SOON).await.unwrap();
    keep.cancel();
    let (admin, grpc) = (gateway.admin_address(), gateway.grpc_address());
    let ending = tokio::spawn(gateway.shut_down());
    let closes = async { while TcpStream::connect(grpc).await.is_ok() {} };
    tokio::time::timeout(SOON, closes).await.expect("the socket closes");
    // The GOAWAY is out, and this caller cannot know.
    tokio::spawn(call(&deaf, 2));
    simulator.journal().wait_for_read(3, SOON).await.expect("a call of good faith is taken");
    let refused = async {
        for number in 3.. {
            tokio::spawn(call(&deaf, number));
            let page = http_get(admin, "/metrics").await;
            if page.contains("fanfare_pushes_refused_total{reason=\"DRAINING\"}") {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, refused).await.expect("calls are refused at last");
    assert!(!ending.is_finished(), "the push is held");
    held.abort();
    ending.await.unwrap();
}

#[tokio::test]
async fn in_its_delay_a_gateway_is_not_ready_and_takes_calls_until_it_is_told_again() {
    let world = World::with(|builder| builder, |config| config.drain_delay = Duration::from_secs(3600)).await;
    let World { simulator, gateway, client } = world;
    let admin = gateway.admin_address();
    assert!(http_get(admin, "/readyz").await.starts_with("HTTP/1.1 200"));
    let (told, again) = (CancellationToken::new(), CancellationToken::new());
    let ending = tokio::spawn({
        let (told, again) = (told.clone(), again.clone());
        // The first look at it comes when the delay has begun.
        let mut again = Box::pin(async move { again.cancelled().await });
        async move {
            gateway
                .shut_down_hurried_by(poll_fn(move |cx| {
                    told.cancel();
                    again.as_mut().poll(cx)
                }))
                .await;
        }
    });
    told.cancelled().await;
    let readiness = http_get(admin, "/readyz").await;
    assert!(readiness.starts_with("HTTP/1.1 503") && readiness.contains("draining: 0 pushes"), "{readiness}");
    for number in 0..10 {
        let request = proto::SendPushRequest { push: Some(Box::new(push(&good(number)))) };
        let result = client.clone().send_push(request).await.unwrap().into_inner().result.unwrap();
        assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    }
    again.cancel();
    tokio::time::timeout(SOON, ending).await.expect("the second signal ends the delay").unwrap();
    assert_eq!(simulator.journal().arrived(), 10);
}

#[tokio::test]
async fn a_second_signal_ends_the_delay_of_a_process() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = fanfare_simulator::Simulator::builder().start().await.unwrap();
    write_config(folder.path(), &simulator);
    let file = folder.path().join("fanfare.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}[limits]\ndrain_delay = \"1h\"\n")).unwrap();
    let mut gateway = serve(folder.path(), "gateway").await;
    let admin: SocketAddr = gateway.admin.parse().unwrap();
    signal(&gateway.process, "-TERM");
    let drains = async { while !http_get(admin, "/readyz").await.starts_with("HTTP/1.1 503") {} };
    tokio::time::timeout(SOON, drains).await.expect("it is not ready");
    assert!(gateway.process.try_wait().unwrap().is_none());
    signal(&gateway.process, "-INT");
    assert_eq!(ended(&mut gateway.process).await.code(), Some(0));
}

/// `fanfare batch` does what the contract says of `draining`, time and again, where there is one gateway alone.
#[tokio::test]
async fn the_batch_command_goes_on_over_new_connections_as_its_own_grow_old() {
    const LINES: usize = 5_000;
    let world = ageing(Duration::from_millis(400), Duration::from_secs(3600)).await;
    world.simulator.set_answer_latency(Duration::from_millis(50));
    let folder = tempfile::tempdir().unwrap();
    let (file, results) = (folder.path().join("pushes.ndjson"), folder.path().join("results.ndjson"));
    std::fs::write(&file, (0..LINES).map(|it| line(&good(it), "x")).collect::<String>()).unwrap();
    let file = file.to_str().unwrap();
    let (to, connections) = counting(world.gateway.grpc_address()).await;
    let ran = batch([file, "--to", &to, "--results", results.to_str().unwrap(), "--rate", "2500"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines = by_line(&read(&results));
    assert_eq!(lines.len(), LINES);
    assert!(lines.values().all(|result| outcome(result) == "ACCEPTED"));
    let journal = world.simulator.journal();
    assert_eq!((journal.arrived(), journal.duplicates().len()), (LINES as u64, 0));
    // It takes two seconds at this rate, in which a connection grows old four times.
    let opened = connections.load(Ordering::Relaxed);
    assert!(opened > 2, "{opened}");
}

/// Carries bytes to a gateway, and counts the connections.
async fn counting(to: SocketAddr) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (address, count)
}

/// Has connections reach their age after this time, and gives their calls this grace.
async fn ageing(age: Duration, grace: Duration) -> World {
    World::with(
        |builder| builder,
        |config| {
            (config.grpc.max_connection_age, config.grpc.max_connection_age_grace) = (age, grace);
        },
    )
    .await
}

#[tokio::test]
async fn on_an_aged_connection_batches_are_told_and_every_call_gets_its_verdict() {
    let world = ageing(Duration::from_millis(300), Duration::from_secs(3600)).await;
    let slow = ApnsScriptedOutcome::Slow(Duration::from_millis(1500));
    for number in [1, 2] {
        world.simulator.script_outcome(&good(number), slow.clone());
    }
    let caller = BatchCaller::open(&world).await;
    caller.write(message(vec![push(&good(0)), push(&good(1))])).await;
    let single = world.send(push(&good(2)));
    // The caller has not half-closed, so it is the gateway that ends the stream.
    let (single, ended) = tokio::join!(single, caller.read());
    assert_eq!(single.outcome(), Outcome::Accepted, "{single:?}");
    assert!(ended.status.is_none(), "{:?}", ended.status);
    let outcomes: Vec<_> = ended.results.values().map(proto::PushResult::outcome).collect();
    assert_eq!(outcomes, [Outcome::Accepted; 2]);
    let progress = ended.progress.expect("the last message has progress");
    assert_eq!((progress.draining, progress.items_read), (true, 2));
    // The next call goes over another connection, of a gateway that is as ready as before.
    assert_eq!(world.send(push(&good(3))).await.outcome(), Outcome::Accepted);
    let ready = http_get(world.gateway.admin_address(), "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
}

#[tokio::test]
async fn after_the_grace_a_batch_says_how_far_it_was_read_and_its_connection_is_closed() {
    let world = ageing(Duration::from_millis(100), Duration::from_millis(200)).await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Silent);
    let caller = BatchCaller::open(&world).await;
    caller.write(message(vec![push(&good(0)), push(&good(1))])).await;
    let ended = caller.read().await;
    let status = ended.status.expect("the stream did not end well");
    assert_eq!(status.code(), tonic::Code::Aborted, "{status:?}");
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "DRAINING");
    let progress = ended.progress.expect("the last message has progress");
    assert_eq!((progress.draining, progress.items_read), (true, 2));
    assert_eq!(ended.results.keys().copied().collect::<Vec<_>>(), [0]);
    // A call without an answer has nothing to say, and ends with its connection.
    world.simulator.script_outcome(&good(2), ApnsScriptedOutcome::Silent);
    let cut = world.call(push(&good(2))).await.unwrap_err();
    assert!(cut.get_error_details().error_info().is_none(), "{cut:?}");
    until(|| metric(&world.gateway, r#"fanfare_listener_connections{listener="grpc"} "#) == 0.0).await;
}

#[tokio::test]
async fn at_the_drain_timeout_a_batch_gets_its_verdicts_and_says_how_far_it_was_read() {
    let world =
        World::with(|builder| builder, |config| config.drain_timeout = Duration::from_millis(300)).await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Silent);
    let caller = BatchCaller::open(&world).await;
    caller.write(message(vec![push(&good(0)), push(&good(1))])).await;
    world.simulator.journal().wait_for_read(2, SOON).await.unwrap();
    let World { gateway, client: _client, .. } = world;
    let ending = tokio::spawn(gateway.shut_down());
    let ended = caller.read().await;
    assert!(ended.status.is_none(), "{:?}", ended.status);
    let cut = &ended.results[&1];
    assert_eq!(
        (cut.outcome(), cut.delivery(), cut.reason()),
        (Outcome::Unconfirmed, Delivery::Maybe, Reason::ConnectionLost),
        "{cut:?}"
    );
    let progress = ended.progress.expect("the last message has progress");
    assert_eq!((progress.draining, progress.items_read), (true, 2));
    ending.await.unwrap();
}

/// To its client, a connection is open before the gateway has accepted it.
#[tokio::test]
async fn a_connection_that_was_not_accepted_yet_is_told_to_go_and_not_reset() {
    let world = World::start().await;
    world.send(push(&good(1))).await;
    // The gateway's tasks run in the thread of this test, so they see nothing of this before the next await.
    let mut socket = std::net::TcpStream::connect(world.gateway.grpc_address()).unwrap();
    std::io::Write::write_all(&mut socket, &[PREFACE, SETTINGS].concat()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut socket = TcpStream::from_std(socket).unwrap();
    let ending = tokio::spawn(world.gateway.shut_down_hurried_by(std::future::ready(())));
    let (mut said, mut piece) = (Vec::new(), [0; 4096]);
    let told = async {
        while goaways(&said).is_empty() {
            let read = socket.read(&mut piece).await.expect("the connection is not reset");
            assert_ne!(read, 0, "it is told to go before it is closed");
            said.extend(&piece[..read]);
        }
    };
    tokio::time::timeout(SOON, told).await.expect("a GOAWAY");
    assert_eq!(goaways(&said), [0], "without an error");
    ending.await.unwrap();
}

#[tokio::test]
async fn the_socket_of_callers_closes_at_once_and_a_successor_takes_its_place() {
    let World { simulator, gateway, mut client } = World::start().await;
    simulator.script_outcome(&good(0), ApnsScriptedOutcome::Slow(Duration::from_secs(2)));
    let request = proto::SendPushRequest { push: Some(Box::new(push(&good(0)))) };
    let held = tokio::spawn(async move { client.send_push(request).await });
    simulator.journal().wait_for_read(1, SOON).await.unwrap();
    let mut successor = config(&simulator);
    successor.grpc.listener.listen = gateway.grpc_address();
    let ending = tokio::spawn(gateway.shut_down());
    let address = successor.grpc.listener.listen;
    let closes = async { while TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(SOON, closes).await.expect("the socket closes");
    assert!(!ending.is_finished(), "the push is held");
    let successor = Gateway::start(successor, Network::default()).await.unwrap();
    let request = proto::SendPushRequest { push: Some(Box::new(push(&good(1)))) };
    let answer = connect(&successor).await.send_push(request).await.unwrap();
    assert_eq!(answer.into_inner().result.unwrap().outcome(), Outcome::Accepted);
    assert_eq!(held.await.unwrap().unwrap().into_inner().result.unwrap().outcome(), Outcome::Accepted);
    ending.await.unwrap();
}
