//! The shell of the pool, over pipes, and without a network, where names are never found.

mod circles;
mod http1;
mod http2;
mod inbox;
mod naming;
mod pipes;
mod scripted;
mod strangers;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::pool::Pool;
use crate::sleep::WallClock;
use crate::transport::Io;
use crate::*;

/// A machine that can sleep. Its wall clock stands still otherwise, as the clock of a paused runtime does.
#[derive(Clone)]
pub(crate) struct Machine(Arc<Mutex<SystemTime>>);

impl Machine {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(SystemTime::UNIX_EPOCH)))
    }

    pub(crate) fn wall_clock(&self) -> WallClock {
        let shows = Arc::clone(&self.0);
        Arc::new(move || *shows.lock().unwrap())
    }

    /// Time passes, and the monotonic clock stands still.
    pub(crate) fn sleeps(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}

struct NoNetwork;

impl Resolve for NoNetwork {
    fn resolve<'a>(&'a self, host: &'a str, _: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        assert_ne!(host, "broken.test", "a resolver that panics");
        Box::pin(std::future::pending())
    }
}

impl Dial for NoNetwork {
    fn dial(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        unreachable!("nothing is found")
    }
}

pub(crate) fn upstream(settings: UpstreamSettings) -> Upstream {
    let network = Arc::new(NoNetwork);
    let wall_clock = Machine::new().wall_clock();
    Upstream::with_wall_clock(settings, Arc::clone(&network) as _, network, Unobserved, wall_clock)
}

pub(crate) fn peer(host: &'static str) -> Peer {
    Peer {
        origin: Origin::https(host),
        identity: "".into(),
        tls: tls::client_config(Arc::new(rustls::RootCertStore::empty()), None, Http::Two).unwrap(),
        http: Http::Two,
        proxy: None,
        reach: Reach::Anywhere,
        proves_credential: true,
    }
}

fn pool() -> PeerPool {
    upstream(UpstreamSettings::default()).peer(peer("peer.test")).unwrap()
}

pub(crate) fn far() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

#[test]
fn a_connection_is_replaced_at_a_random_moment_of_the_last_fifth_of_its_age() {
    let settings = UpstreamSettings::default();
    let ages: Vec<_> = (0..200).map(|_| settings.patience().age).collect();
    let (least, most) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
    assert!(*least >= settings.max_age.mul_f64(0.8) && *most <= settings.max_age, "{least:?} {most:?}");
    // Two hundred draws are within half of it by no chance.
    assert!(*most - *least > settings.max_age / 10, "{least:?} {most:?}");
}

#[tokio::test]
async fn who_leaves_the_line_makes_room_in_it() {
    let settings = UpstreamSettings { max_waiters: 1, ..UpstreamSettings::default() };
    let pool = upstream(settings).peer(peer("peer.test")).unwrap();
    let mut waits = Box::pin(pool.permit(Flow::SINGLE, far()));
    assert!(waits.as_mut().now_or_never().is_none());
    let refused = pool.permit(Flow::SINGLE, far()).now_or_never().unwrap();
    assert!(matches!(refused, Err(Unsent::TooManyWaiters(1))));
    drop(waits);
    assert!(pool.permit(Flow::SINGLE, far()).now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_past_its_deadline() {
    let pool = pool();
    let refused = pool.permit(Flow::SINGLE, Instant::now() + Duration::from_secs(5)).await;
    assert!(matches!(refused, Err(Unsent::Deadline)));
    let refused = pool.permit(Flow::SINGLE, Instant::now()).now_or_never().unwrap();
    assert!(matches!(refused, Err(Unsent::Deadline)), "it does not begin to wait");
}

#[tokio::test]
async fn a_peer_that_is_being_connected_or_waited_for_or_used_is_not_forgotten() {
    let one = || upstream(UpstreamSettings { max_peers: 1, ..UpstreamSettings::default() });
    let upstream = one();
    drop(upstream.peer(peer("idle.test")).unwrap());
    assert!(upstream.peer(peer("next.test")).is_ok());

    let upstream = one();
    let pool = upstream.peer(peer("busy.test")).unwrap();
    let mut waits = Box::pin(pool.permit(Flow::SINGLE, far()));
    assert!(waits.as_mut().now_or_never().is_none());
    drop(waits);
    drop(pool);
    assert!(upstream.peer(peer("next.test")).is_err(), "a connect is under way");
}

#[tokio::test]
async fn a_connect_that_panics_leaves_the_way_free_for_another() {
    let upstream = upstream(UpstreamSettings { max_peers: 1, ..UpstreamSettings::default() });
    let pool = upstream.peer(peer("broken.test")).unwrap();
    let mut waits = Box::pin(pool.permit(Flow::SINGLE, far()));
    assert!(waits.as_mut().now_or_never().is_none());
    drop(waits);
    drop(pool);
    let free = async {
        while upstream.peer(peer("next.test")).is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), free).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_task_is_left_when_the_pool_has_closed() {
    let settings = UpstreamSettings { max_connections: 1, ..UpstreamSettings::default() };
    let upstream = upstream(settings);
    let pools = ["peer.test", "other.test"].map(|host| upstream.peer(peer(host)).unwrap());
    let mut waits = pools.each_ref().map(|pool| Box::pin(pool.permit(Flow::SINGLE, far())));
    for wait in &mut waits {
        assert!(wait.as_mut().now_or_never().is_none());
    }
    // Both connects wait for an address.
    tokio::task::yield_now().await;
    assert!(upstream.closed().now_or_never().is_none(), "two connects are under way");
    upstream.shut_down();
    for wait in waits {
        assert!(matches!(wait.await, Err(Unsent::ShuttingDown)));
    }
    // The clock goes on only where nothing else can, so that a connect that is waited for takes its whole time.
    let began = Instant::now();
    upstream.closed().await;
    assert_eq!(began.elapsed(), Duration::ZERO, "no connect is waited for");
}

#[tokio::test]
async fn a_peer_that_is_named_after_the_end_is_connected_to_no_more() {
    let upstream = upstream(UpstreamSettings::default());
    upstream.shut_down();
    let pool = upstream.peer(peer("late.test")).unwrap();
    let refused = pool.permit(Flow::SINGLE, far()).now_or_never();
    assert!(matches!(refused, Some(Err(Unsent::ShuttingDown))));
}
