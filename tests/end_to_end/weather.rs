//! Sockets that stall, break in the middle of a write or take their time, and peers that invite a storm of
//! connects: each was a fault of the pool once.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare::config::{ApnsCredential, Config};
use fanfare::proto::{self, Delivery, Outcome, Reason};
use fanfare::simulator::{AfterGoAway, Fault, FaultRule, GoAway, HangUp, LastId, Phase, Simulator, Trigger};
use fanfare::transport::Io;
use fanfare::upstream::tls::ClientIdentity;
use fanfare::upstream::{BoxFuture, Dial, SystemResolver};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::harness::{APP, SOON, TOPIC, World, app, config, connect, good, metric_sum, push};

/// What the sockets of a gateway do.
#[derive(Default)]
struct Weather {
    connect_takes: Mutex<Duration>,
    /// Writes are Pending, as on a full socket.
    stalled: AtomicBool,
    /// A write of more than this is accepted up to its first record, and the next write fails. 0: never.
    breaks_at: AtomicUsize,
    broke: AtomicUsize,
    wakers: Mutex<Vec<Waker>>,
}

impl Weather {
    fn release(&self) {
        self.stalled.store(false, Ordering::SeqCst);
        self.wakers.lock().unwrap().drain(..).for_each(Waker::wake);
    }
}

struct Socket {
    tcp: TcpStream,
    weather: Arc<Weather>,
    broken: bool,
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.as_mut().poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.broken {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.weather.stalled.load(Ordering::SeqCst) {
            self.weather.wakers.lock().unwrap().push(cx.waker().clone());
            return Poll::Pending;
        }
        let all: usize = bufs.iter().map(|buf| buf.len()).sum();
        let breaks_at = self.weather.breaks_at.load(Ordering::SeqCst);
        if breaks_at > 0 && all > breaks_at {
            // The kernel takes a part, and the peer's RST is there before the rest.
            let written = Pin::new(&mut self.tcp).poll_write(cx, &bufs[0]);
            if let Poll::Ready(Ok(count)) = &written {
                assert_eq!(*count, bufs[0].len());
                self.broken = true;
                self.weather.breaks_at.store(0, Ordering::SeqCst);
                self.weather.broke.fetch_add(1, Ordering::SeqCst);
            }
            return written;
        }
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

struct Dialer(Arc<Weather>);

impl Dial for Dialer {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        Box::pin(async move {
            let wait = *self.0.connect_takes.lock().unwrap();
            tokio::time::sleep(wait).await;
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            Ok(Box::new(Socket { tcp, weather: Arc::clone(&self.0), broken: false }) as Box<dyn Io>)
        })
    }
}

async fn world(change: impl FnOnce(&Simulator, &mut Config)) -> (World, Arc<Weather>) {
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let weather = Arc::new(Weather::default());
    let mut config = config(&simulator);
    change(&simulator, &mut config);
    let network =
        Network { resolver: Arc::new(SystemResolver), dialer: Arc::new(Dialer(Arc::clone(&weather))) };
    let gateway = Gateway::start(config, network).await.unwrap();
    let client = connect(&gateway).await;
    (World { simulator, gateway, client }, weather)
}

fn with_certificate(simulator: &Simulator, config: &mut Config) {
    let it = simulator.client_certificate(&[TOPIC]).unwrap();
    let identity = ClientIdentity::from_pem(it.certificate_pem.as_bytes(), it.private_key_pem.as_bytes());
    config.apps = vec![app(APP, ApnsCredential::Certificate(identity.unwrap()))];
}

/// To be settled within so many seconds.
fn within(mut push: proto::Push, seconds: i64) -> proto::Push {
    let max_wait = Some(prost_types::Duration { seconds, nanos: 0 });
    push.options = Some(proto::Options { max_wait, ..proto::Options::default() });
    push
}

fn large(number: usize) -> proto::Push {
    let mut push = push(&good(number));
    push.content = Some(crate::harness::alert("Hello", &"x".repeat(2000)));
    push
}

#[tokio::test]
async fn a_write_error_within_a_tls_write_does_not_make_written_pushes_unsent() {
    let (world, weather) = world(|_, _| {}).await;
    world.send(push(&good(100_000))).await;
    world.simulator.set_answer_latency(Duration::from_secs(3));
    weather.breaks_at.store(20_000, Ordering::SeqCst);
    let results = futures_util::future::join_all((0..30).map(|number| world.send(large(number)))).await;
    assert_eq!(weather.broke.load(Ordering::SeqCst), 1, "the fault never struck");
    let accepted = results.iter().filter(|it| it.outcome() == Outcome::Accepted).count();
    let twice = world.simulator.journal().duplicates();
    assert!(twice.is_empty(), "{} of 30 arrived twice; {accepted} said ACCEPTED", twice.len());
}

#[tokio::test]
async fn what_tls_kept_on_a_full_socket_leaves_when_the_socket_has_room() {
    let (world, weather) = world(|_, _| {}).await;
    world.send(push(&good(0))).await;
    weather.stalled.store(true, Ordering::SeqCst);
    // Left in TLS, it would be in doubt when its time is over.
    let (result, ()) = tokio::join!(world.send(within(push(&good(1)), 5)), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        weather.release();
    });
    assert_eq!(result.outcome(), Outcome::Accepted);
}

#[tokio::test]
async fn a_fin_while_the_socket_is_full_ends_the_wait() {
    let (world, weather) = world(|_, _| {}).await;
    world.send(push(&good(0))).await;
    weather.stalled.store(true, Ordering::SeqCst);
    let id = world.simulator.connections()[0].id;
    let (result, ()) = tokio::join!(world.call(push(&good(1))), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.simulator.disconnect(id, HangUp::Fin).unwrap();
    });
    let result = result.expect("a verdict");
    assert_eq!((result.outcome(), result.reason()), (Outcome::Unconfirmed, Reason::ConnectionLost));
    let closed = "fanfare_upstream_connections_closed_total{";
    assert_eq!(metric_sum(&world, closed, "cause=\"unwritable\""), 1.0);
}

#[tokio::test]
async fn one_connection_is_enough_for_those_who_waited_for_it() {
    for certificate in [true, false] {
        let (world, weather) = world(|simulator, config| {
            if certificate {
                with_certificate(simulator, config);
            }
        })
        .await;
        *weather.connect_takes.lock().unwrap() = Duration::from_millis(100);
        world.simulator.set_answer_latency(Duration::from_millis(5));
        world.send_all((0..50).map(good)).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let opened = world.simulator.counters().connections_opened;
        assert_eq!(opened, 1, "certificate: {certificate}");
    }
}

#[tokio::test]
async fn nothing_is_sent_after_its_deadline() {
    let (world, _) = world(|_, config| config.upstream.max_resends = 100).await;
    world.send(push(&good(0))).await;
    let fault = Fault::ResetStream { code: 7, at: Phase::BeforeBody };
    world.simulator.add_fault(FaultRule::always(Trigger::DeviceToken(good(1)), fault));
    let result = world.send(within(push(&good(1)), 1)).await;
    // Each stream was refused: it was provably not processed.
    assert_eq!(result.delivery(), Delivery::No, "{result:?}");
}

#[tokio::test]
async fn a_peer_that_goes_away_before_any_answer_is_not_stormed() {
    let (world, _) = world(with_certificate).await;
    let goaway =
        GoAway { last: LastId::BeforeThis, code: 0, reason: None, then: AfterGoAway::HangUp(HangUp::Fin) };
    world.simulator.add_fault(FaultRule::always(Trigger::RequestOfEach(1), Fault::GoAway(goaway)));
    let results = world.send_all((0..50).map(good));
    let _ = tokio::time::timeout(Duration::from_secs(3), results).await;
    let opened = world.simulator.counters().connections_opened;
    assert!(opened <= 6, "{opened} connections in three seconds");
}

#[tokio::test]
async fn a_batch_fills_its_window_whatever_the_answers_take() {
    let (world, _) = world(|_, _| {}).await;
    world.send(push(&good(100_000))).await;
    world.simulator.set_answer_latency(Duration::from_secs(5));
    let pushes = (0..640).map(|number| push(&good(number))).collect();
    let request = proto::SendBatchRequest { pushes, ..proto::SendBatchRequest::default() };
    let mut client = world.client.clone();
    let _stream = client.send_batch(tokio_stream::iter([request])).await.unwrap();
    world.simulator.journal().wait_for_arrived(641, SOON).await.unwrap();
    // Nothing made room for anything: no answer had come but the first.
    assert_eq!(world.simulator.counters().requests_answered, 1);
}

#[tokio::test]
async fn a_limit_that_rises_again_lets_connections_open_again() {
    let simulator =
        Simulator::builder().bundle_ids([TOPIC]).max_concurrent_streams(10).start().await.unwrap();
    let gateway = Gateway::start(config(&simulator), Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    let world = World { simulator, gateway, client };
    world.send(push(&good(0))).await;
    world.simulator.set_answer_latency(Duration::from_millis(300));
    let id = world.simulator.connections()[0].id;
    world.simulator.on_connection(id, &Fault::SetMaxStreams(5)).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let results = world.send_all((0..300).map(good));
    let watch = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.simulator.on_connection(id, &Fault::SetMaxStreams(10)).unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        world.simulator.counters().connections_opened
    };
    tokio::pin!(results);
    let opened = tokio::select! {
        _ = &mut results => world.simulator.counters().connections_opened,
        opened = watch => opened,
    };
    assert!(opened > 1, "two seconds after the limit rose, 300 pushes wait for ten streams");
}

#[tokio::test]
async fn a_connection_in_use_is_not_idle() {
    let (world, _) = world(|_, config| config.upstream.idle_timeout = Duration::from_secs(1)).await;
    for number in 0..60 {
        world.send(push(&good(number))).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.simulator.counters().connections_opened, 1);
}

#[tokio::test]
async fn a_peer_that_answers_503_is_not_stormed() {
    let (world, _) = world(|_, _| {}).await;
    let overloaded = Fault::Answer(fanfare::simulator::ScriptedAnswer::refusal(503, "ServiceUnavailable"));
    world.simulator.add_fault(FaultRule::always(Trigger::Always, overloaded));
    let sends = async {
        for number in 0..50 {
            world.send(push(&good(number))).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(3), sends).await;
    let opened = world.simulator.counters().connections_opened;
    assert!(opened <= 6, "{opened} connections for as many answers");
}

#[tokio::test]
async fn room_that_bulk_may_not_take_goes_to_the_interactive_who_waits() {
    use fanfare::push::ServiceClass;
    let admission = std::sync::Arc::new(fanfare::dispatch::Admission::new(
        10,
        prometheus_client::metrics::gauge::Gauge::default(),
    ));
    let mut rooms: Vec<_> = (0..10).map(|_| admission.admit(ServiceClass::Interactive).unwrap()).collect();
    let bulk = tokio::spawn({
        let admission = std::sync::Arc::clone(&admission);
        async move { admission.admitted(ServiceClass::Bulk).await.is_ok() }
    });
    tokio::task::yield_now().await;
    let interactive = tokio::spawn({
        let admission = std::sync::Arc::clone(&admission);
        async move { admission.admitted(ServiceClass::Interactive).await.is_ok() }
    });
    tokio::task::yield_now().await;
    rooms.pop();
    let admitted = tokio::time::timeout(Duration::from_secs(1), interactive).await;
    bulk.abort();
    assert!(admitted.is_ok(), "nine of ten are taken, and an interactive item waits on");
}
