//! The pool without a network: names are never found, and connections are entries that nothing drives.

mod http1;
mod http2;
mod outbox;
mod pipes;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Wake, Waker};

use futures_util::FutureExt;

use super::choice::{Entry, Phase};
use super::connection::Connection;
use super::*;
use crate::observe::Unobserved;
use crate::transport::Io;

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

fn upstream(settings: UpstreamSettings) -> Upstream {
    Upstream::new(settings, Arc::new(NoNetwork), Arc::new(NoNetwork), Unobserved)
}

fn peer(host: &'static str) -> Peer {
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
    upstream(UpstreamSettings::default()).peer(peer("push.test")).unwrap()
}

/// One more connection, of which streams are used.
fn open(pool: &Arc<Pool>, id: u64, phase: Phase, old: bool) -> Arc<Connection> {
    let shared = Connection::new(id);
    let entry = Entry {
        shared: Arc::clone(&shared),
        sender: None,
        phase,
        ending: None,
        old,
        used: 1,
        limit: 10,
        limit_fell: None,
    };
    pool.lock().entries.push(entry);
    shared
}

fn phases(pool: &Pool) -> Vec<Phase> {
    pool.lock().entries.iter().map(|entry| entry.phase).collect()
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

const BULK: Flow = Flow { class: ServiceClass::Bulk, id: 7 };

#[test]
fn a_connection_is_replaced_at_a_random_moment_of_the_last_fifth_of_its_age() {
    let settings = UpstreamSettings::default();
    let ages: Vec<_> = (0..200).map(|_| settings.patience().age).collect();
    let (least, most) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
    assert!(*least >= settings.max_age.mul_f64(0.8) && *most <= settings.max_age, "{least:?} {most:?}");
    // Two hundred draws within half of it are no chance.
    assert!(*most - *least > settings.max_age / 10, "{least:?} {most:?}");
}

#[tokio::test]
async fn as_many_wait_as_may_and_who_leaves_makes_room() {
    let settings = UpstreamSettings { max_waiters: 2, ..UpstreamSettings::default() };
    let pool = upstream(settings).peer(peer("push.test")).unwrap();
    let mut waits: Vec<_> = (0..2).map(|_| Box::pin(pool.permit(Flow::SINGLE, far()))).collect();
    assert!(waits.iter_mut().all(|wait| wait.now_or_never().is_none()));
    let refused = pool.permit(Flow::SINGLE, far()).now_or_never().unwrap();
    assert!(matches!(refused, Err(Unsent::TooManyWaiters(2))));
    // What a connection gave back has waited already.
    let returned = pool.held.pool.acquire(Flow::SINGLE, far(), Arrival::Returned).now_or_never();
    assert!(returned.is_none());
    pool.held.pool.lock().waiters.sweep();
    waits.pop();
    assert!(pool.permit(Flow::SINGLE, far()).now_or_never().is_none());
}

#[tokio::test]
async fn once_batches_are_drained_their_items_wait_no_more_and_single_pushes_do() {
    let pool = pool();
    pool.held.pool.drain_batches();
    let of_batch = pool.permit(BULK, far()).now_or_never().unwrap();
    assert!(matches!(of_batch, Err(Unsent::ShuttingDown)));
    assert!(pool.permit(Flow::SINGLE, far()).now_or_never().is_none());
}

#[tokio::test]
async fn a_peer_that_is_being_connected_or_waited_for_or_used_is_not_forgotten() {
    let one = || upstream(UpstreamSettings { max_peers: 1, ..UpstreamSettings::default() });
    let upstream = one();
    drop(upstream.peer(peer("idle.test")).unwrap());
    assert!(upstream.peer(peer("next.test")).is_ok());

    let upstream = one();
    let pool = upstream.peer(peer("busy.test")).unwrap().held.pool;
    pool.lock().connecting = 1;
    assert!(upstream.peer(peer("next.test")).is_err(), "a connect is under way");
    pool.lock().connecting = 0;
    let waits = pool.lock().waiters.push(Flow::SINGLE, Instant::now(), Arrival::New);
    assert!(upstream.peer(peer("next.test")).is_err(), "somebody waits");
    drop(waits);
    pool.lock().waiters.sweep();
    open(&pool, 1, Phase::Open, false);
    assert!(upstream.peer(peer("next.test")).is_err(), "a stream is in use");
    pool.lock().entries[0].used = 0;
    assert!(upstream.peer(peer("next.test")).is_ok());
}

#[tokio::test]
async fn a_connect_that_panics_leaves_the_way_free_for_another() {
    let pool = upstream(UpstreamSettings::default()).peer(peer("broken.test")).unwrap();
    let mut waits = Box::pin(pool.permit(Flow::SINGLE, far()));
    assert!(waits.as_mut().now_or_never().is_none());
    assert_eq!(pool.held.pool.lock().connecting, 1);
    let free = async {
        while pool.held.pool.lock().connecting > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), free).await.unwrap();
}

#[tokio::test]
async fn only_a_good_answer_proves_a_connection() {
    let pool = pool().held.pool;
    let connection = open(&pool, 1, Phase::Warming, false);
    pool.lock().failures = 3;
    for bad in [401, 403, 500, 503] {
        connection.answered(&pool, http::StatusCode::from_u16(bad).unwrap());
        assert!(!connection.is_proven(), "{bad}");
        assert_eq!((phases(&pool), pool.lock().failures), (vec![Phase::Warming], 3), "{bad}");
    }
    connection.answered(&pool, http::StatusCode::BAD_REQUEST);
    assert!(connection.is_proven());
    assert_eq!((phases(&pool), pool.lock().failures), (vec![Phase::Open], 0));
    // The first only: a peer that fails now is judged by what fails now.
    pool.lock().failures = 3;
    connection.answered(&pool, http::StatusCode::OK);
    assert_eq!(pool.lock().failures, 3);
}

#[tokio::test]
async fn a_peer_is_left_alone_for_ends_that_it_caused_and_before_any_good_answer() {
    let failures = |proven: bool, phase: Phase, end: fn(&Arc<Pool>)| {
        let pool = pool().held.pool;
        let connection = open(&pool, 1, phase, false);
        if proven {
            connection.answered(&pool, http::StatusCode::OK);
        }
        end(&pool);
        pool.lock().failures
    };
    let goes_away = |pool: &Arc<Pool>| pool.drain(1, EndCause::GoAway);
    let idles = |pool: &Arc<Pool>| pool.drain(1, EndCause::Idle);
    assert_eq!(failures(false, Phase::Warming, goes_away), 1);
    assert_eq!(failures(false, Phase::Warming, idles), 0);
    assert_eq!(failures(true, Phase::Warming, goes_away), 0);
    let closes = |pool: &Arc<Pool>| pool.closed(1, EndCause::Closed);
    assert_eq!(failures(false, Phase::Warming, closes), 1);
    assert_eq!(failures(true, Phase::Warming, closes), 0);
    assert_eq!(failures(false, Phase::Draining, closes), 0, "it was counted when it began to drain");
}

#[tokio::test]
async fn the_old_drain_when_another_is_open_and_not_before() {
    let pool = pool().held.pool;
    open(&pool, 1, Phase::Open, true);
    pool.drain_old();
    assert_eq!(phases(&pool), [Phase::Open]);
    let next = open(&pool, 2, Phase::Warming, false);
    pool.drain_old();
    assert_eq!(phases(&pool), [Phase::Open, Phase::Warming]);
    next.answered(&pool, http::StatusCode::OK);
    assert_eq!(phases(&pool), [Phase::Draining, Phase::Open]);
}

#[tokio::test]
async fn a_limit_that_fell_is_remembered_until_it_rises() {
    let pool = pool().held.pool;
    open(&pool, 1, Phase::Open, false);
    let fell_after = |limit| {
        pool.limit_changed(1, limit);
        let state = pool.lock();
        assert_eq!(state.entries[0].limit, limit);
        state.entries[0].limit_fell.is_some()
    };
    assert!(!fell_after(10) && !fell_after(20) && fell_after(5) && fell_after(5) && !fell_after(6));
    assert_eq!((pool.used(1), pool.used(2)), (1, 0));
}

#[test]
fn the_task_of_a_connection_is_woken_to_end_and_the_first_cause_stands() {
    #[derive(Default)]
    struct Woken(AtomicU32);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (connection, woken) = (Connection::new(1), Arc::new(Woken::default()));
    let task = Waker::from(Arc::clone(&woken));
    connection.driven_by(&task);
    connection.wake();
    connection.driven_by(&task);
    assert_eq!(connection.aborted(), None);
    connection.abort(EndCause::Unwritable);
    connection.abort(EndCause::Shutdown);
    assert_eq!(connection.aborted(), Some(EndCause::Unwritable));
    assert_eq!(woken.0.load(Ordering::Relaxed), 2);
}
