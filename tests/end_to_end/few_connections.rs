//! The pool opens few connections, whatever its peer does: one that fails or refuses everything is not stormed, and pushes
//! that wait for a connection need no other when it comes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare::config::Config;
use fanfare::proto::{Delivery, Outcome};
use fanfare_simulator::{
    AfterGoAway, Fault, FaultRule, GoAway, HangUp, LastId, ScriptedAnswer, Simulator, Trigger,
};
use fanfare_upstream::transport::Io;
use fanfare_upstream::{BoxFuture, Dial, SystemResolver, TcpDialer};
use futures_util::future::join_all;
use tokio::sync::RwLock;

use crate::harness::{
    APP, TOPIC, World, apns_certificate, app, config, connect, good, metric_sum, push, until, within,
};

/// Longer than any test takes.
const FOREVER: Duration = Duration::from_secs(3600);

/// Counts connects, and holds them while the gate is locked for writing.
#[derive(Default)]
struct GatedDialer {
    gate: RwLock<()>,
    dials: AtomicUsize,
}

impl Dial for GatedDialer {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        Box::pin(async move {
            self.dials.fetch_add(1, Ordering::SeqCst);
            let _open = self.gate.read().await;
            TcpDialer.dial(address).await
        })
    }
}

async fn world(change: impl FnOnce(&Simulator, &mut Config)) -> (World, Arc<GatedDialer>) {
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let dialer = Arc::new(GatedDialer::default());
    let mut config = config(&simulator);
    change(&simulator, &mut config);
    let network =
        Network { resolver: Arc::new(SystemResolver), dialer: Arc::clone(&dialer) as Arc<dyn Dial> };
    let gateway = Gateway::start(config, network).await.unwrap();
    let client = connect(&gateway).await;
    (World { simulator, gateway, client }, dialer)
}

fn with_certificate(simulator: &Simulator, config: &mut Config) {
    config.apps = vec![app(APP, apns_certificate(simulator))];
}

/// Makes the wait after a failure longer than any test, so that a connect too many is seen without waiting for it.
fn backs_off(config: &mut Config) {
    (config.upstream.backoff_min, config.upstream.backoff_max) = (FOREVER, FOREVER);
}

fn waiting(world: &World) -> f64 {
    metric_sum(world, "fanfare_upstream_waiting{", "")
}

#[tokio::test]
async fn one_connection_is_enough_for_the_pushes_that_waited_for_it() {
    for certificate in [true, false] {
        let change = |simulator: &Simulator, config: &mut Config| {
            if certificate {
                with_certificate(simulator, config);
            }
        };
        let (world, dialer) = world(change).await;
        world.simulator.set_answer_latency(Duration::from_millis(5));
        let gate = dialer.gate.write().await;
        let (results, ()) = tokio::join!(world.send_all((0..50).map(good)), async {
            until(|| waiting(&world) == 50.0).await;
            drop(gate);
        });
        assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted), "{results:?}");
        // Another round trip, so that a connect which had been decided on would have begun.
        world.send(push(&good(50))).await;
        assert_eq!(dialer.dials.load(Ordering::SeqCst), 1, "certificate: {certificate}");
    }
}

#[tokio::test]
async fn a_peer_that_goes_away_before_any_answer_is_not_stormed() {
    let (world, dialer) = world(|simulator, config| {
        with_certificate(simulator, config);
        backs_off(config);
    })
    .await;
    let goaway =
        GoAway { last: LastId::BeforeThis, code: 0, reason: None, then: AfterGoAway::HangUp(HangUp::Fin) };
    world.simulator.add_fault(FaultRule::always(Trigger::RequestOfEach(1), Fault::GoAway(goaway)));
    let watch = async {
        until(|| metric_sum(&world, "fanfare_upstream_connections_closed_total{", "") >= 1.0).await;
        until(|| waiting(&world) == 50.0).await;
        // A push that comes later has no connection opened for it either.
        tokio::select! {
            result = world.send(push(&good(50))) => panic!("there is no connection: {result:?}"),
            () = until(|| waiting(&world) == 51.0) => {}
        }
    };
    tokio::select! {
        results = world.send_all((0..50).map(good)) => panic!("there is no connection: {results:?}"),
        () = watch => {}
    }
    // The first connection, and at most one in its place.
    let dials = dialer.dials.load(Ordering::SeqCst);
    assert!(dials <= 2, "{dials} connections");
}

#[tokio::test]
async fn a_peer_that_answers_503_is_not_stormed() {
    let (world, dialer) = world(|_, config| backs_off(config)).await;
    let overloaded = Fault::Answer(ScriptedAnswer::refusal(503, "ServiceUnavailable"));
    world.simulator.add_fault(FaultRule::always(Trigger::Always, overloaded));
    let pushes = (0..50).map(|number| within(push(&good(number)), Duration::from_millis(500)));
    let results = join_all(pushes.map(|push| world.send(push))).await;
    assert!(results.iter().all(|result| result.delivery() == Delivery::No), "{results:?}");
    let answers = world.simulator.counters().requests_answered;
    let dials = dialer.dials.load(Ordering::SeqCst);
    assert!(answers >= 50 && dials <= 2, "{dials} connections for {answers} answers");
}

#[tokio::test]
async fn a_limit_that_rises_again_lets_connections_open_again() {
    let builder = Simulator::builder().bundle_ids([TOPIC]).max_concurrent_streams(10);
    let simulator = builder.start().await.unwrap();
    let gateway = Gateway::start(config(&simulator), Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    let world = World { simulator, gateway, client };
    world.send(push(&good(0))).await;
    world.simulator.set_answer_latency(FOREVER);
    let id = world.simulator.connections()[0].id;
    let allowed = || metric_sum(&world, "fanfare_upstream_streams_allowed{", "");
    world.simulator.on_connection(id, &Fault::SetMaxStreams(5)).unwrap();
    until(|| allowed() == 5.0).await;
    let rise = async {
        until(|| waiting(&world) == 295.0).await;
        assert_eq!(world.simulator.counters().connections_opened, 1, "a limit that fell opens none");
        world.simulator.on_connection(id, &Fault::SetMaxStreams(10)).unwrap();
        until(|| world.simulator.counters().connections_opened > 1).await;
    };
    tokio::select! {
        results = world.send_all((1..=300).map(good)) => panic!("nothing is answered: {results:?}"),
        () = rise => {}
    }
}
