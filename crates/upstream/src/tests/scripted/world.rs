//! A pool whose peer is the test: each connection that it opens goes to a [`Server`].

use std::sync::Mutex;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::server::Server;
use crate::tests::*;

/// Opens pipes.
struct Pipes {
    dialled: mpsc::Sender<Server>,
    holds: usize,
}

impl Resolve for Pipes {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async { Ok(vec![([192, 0, 2, 1], 80).into()]) })
    }
}

impl Dial for Pipes {
    fn dial(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        let (server, socket) = Server::new(self.holds);
        self.dialled.try_send(server).map_err(drop).unwrap();
        Box::pin(async { Ok(socket) })
    }
}

/// What the pool counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    connections: i64,
    streams_allowed: i64,
    streams_used: i64,
    waiting: i64,
    orphans: i64,
    pub(super) closed: Vec<EndCause>,
}

#[derive(Clone, Default)]
struct Counter(Arc<Mutex<Counts>>);

impl Observe for Counter {
    fn peer(&self, _: &Peer, _: PeerKind) -> Box<dyn ObservePeer> {
        Box::new(self.clone())
    }
}

impl ObservePeer for Counter {
    fn report(&self, report: Report<'_>) {
        let mut counts = self.0.lock().unwrap();
        match report {
            Report::Connection { from, to } => {
                counts.connections += i64::from(to.is_some()) - i64::from(from.is_some());
            }
            Report::StreamsAllowed(by) => counts.streams_allowed += by,
            Report::StreamsUsed(by) => counts.streams_used += by,
            Report::WaitBegan => counts.waiting += 1,
            Report::WaitEnded(_) => counts.waiting -= 1,
            Report::Orphans(by) => counts.orphans += by,
            Report::Closed(cause) => counts.closed.push(cause),
            Report::Forgotten
            | Report::Opened(_)
            | Report::ConnectFailed(_)
            | Report::GoAway { .. }
            | Report::Resent(_)
            | Report::Pace(_)
            | Report::RetryRefused
            | Report::Unanswered(_)
            | Report::BreakerOpened(_)
            | Report::BreakerClosed
            | Report::OrphanEnded(_) => {}
        }
    }
}

/// What the caller of a request is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Answered(u16),
    /// It was given back by its connection.
    Unsent(UnsentCause),
    /// It got no connection.
    NoStream(String),
    /// It is in doubt; the number is the status, where the head of an answer came.
    Unanswered(NoAnswerCause, Option<u16>),
}

/// A request is told its verdict as it comes, and sent only once.
pub(super) const ONCE: u32 = 0;

/// A pool, and the servers of its connections.
pub(super) struct World {
    upstream: Upstream,
    pub(super) pool: PeerPool,
    servers: mpsc::Receiver<Server>,
    pub(super) in_flight: Arc<InFlight>,
    counter: Counter,
    pub(super) machine: Machine,
}

impl World {
    pub(super) fn new(settings: UpstreamSettings, holds: usize) -> Self {
        let (dialled, servers) = mpsc::channel(16);
        let resolver = Pipes { dialled: dialled.clone(), holds };
        let dialer = Pipes { dialled, holds };
        let counter = Counter::default();
        let (machine, resolver, dialer) = (Machine::new(), Arc::new(resolver), Arc::new(dialer));
        let wall_clock = machine.wall_clock();
        let upstream = Upstream::with_wall_clock(settings, resolver, dialer, counter.clone(), wall_clock);
        let peer = Peer { origin: Origin::http("peer.test"), proves_credential: false, ..peer("peer.test") };
        let pool = upstream.peer(peer).unwrap();
        Self { upstream, pool, servers, in_flight: Arc::default(), counter, machine }
    }

    /// A pool that opens one connection, on which everything is told at once.
    pub(super) fn once() -> Self {
        Self::new(one_connection(), 1 << 20)
    }

    /// A pool each of whose connections is served by `serve`, for as long as the test lasts.
    pub(super) fn serving<F: Future<Output = ()> + Send + 'static>(
        settings: UpstreamSettings,
        serve: impl Fn(Server) -> F + Send + 'static,
    ) -> Self {
        let mut world = Self::new(settings, 1 << 20);
        let (_, nothing) = mpsc::channel(1);
        let mut servers = std::mem::replace(&mut world.servers, nothing);
        tokio::spawn(async move {
            while let Some(server) = servers.recv().await {
                tokio::spawn(serve(server));
            }
        });
        world
    }

    /// Sends a request, and returns its whole answer.
    pub(super) async fn answer(&self) -> Result<Answer, UpstreamError> {
        let share = self.in_flight.begin(100_000).unwrap();
        let permit = self.pool.permit(Flow::SINGLE, far()).await?;
        permit.exchange(request(300), || Some(request(300)), &share).await
    }

    /// The next connection that is opened.
    pub(super) async fn server(&mut self) -> Server {
        self.servers.recv().await.unwrap()
    }

    /// The next connection that is opened, after the server has said these SETTINGS.
    pub(super) async fn begun(&mut self, all: &[(u16, u32)]) -> Server {
        let mut server = self.server().await;
        server.begin(all).await;
        server
    }

    /// Sends a request of 300 bytes, whose caller waits for long.
    pub(super) fn send(&self) -> JoinHandle<Verdict> {
        self.send_body(300, far())
    }

    pub(super) fn send_body(&self, body: usize, deadline: Instant) -> JoinHandle<Verdict> {
        let (pool, in_flight) = (self.pool.clone(), Arc::clone(&self.in_flight));
        tokio::spawn(async move {
            let share = in_flight.begin(100_000).unwrap();
            let permit = match pool.permit(Flow::SINGLE, deadline).await {
                Ok(permit) => permit,
                Err(unsent) => return Verdict::NoStream(unsent.to_string()),
            };
            verdict(permit.exchange(request(body), || Some(request(300)), &share).await)
        })
    }

    /// What was counted until now.
    pub(super) fn counts(&self) -> Counts {
        self.counter.0.lock().unwrap().clone()
    }

    /// Ends the pool. Nothing is left of any request or connection. Returns why connections closed.
    pub(super) async fn over(self) -> Vec<EndCause> {
        self.upstream.shut_down();
        self.upstream.closed().await;
        assert_eq!(self.in_flight.count(), 0);
        let mut counts = self.counts();
        let closed = std::mem::take(&mut counts.closed);
        assert_eq!(counts, Counts::default());
        closed
    }

    /// Ends the tasks of all connections at once.
    pub(super) fn abort(&self) {
        self.upstream.abort();
    }
}

/// The settings of a pool that opens one connection, on which everything is told at once.
pub(super) fn one_connection() -> UpstreamSettings {
    let (max_resends, max_connections_per_peer) = (ONCE, 1);
    UpstreamSettings { max_resends, max_connections_per_peer, connect_patience: 1, ..Default::default() }
}

pub(super) fn request(body: usize) -> Request {
    Request::new(&http::Method::POST, &["/"], Bytes::from(vec![b'x'; body])).unwrap()
}

pub(super) fn verdict(end: Result<Answer, UpstreamError>) -> Verdict {
    match end {
        Ok(answer) => Verdict::Answered(answer.reply.status.as_u16()),
        Err(UpstreamError::Unsent(Unsent::Refused { last, .. })) => Verdict::Unsent(last),
        Err(UpstreamError::Unsent(unsent)) => Verdict::NoStream(unsent.to_string()),
        Err(UpstreamError::Unanswered(why)) => Verdict::Unanswered(why.cause.clone(), why.status()),
    }
}
