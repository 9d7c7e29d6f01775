//! A peer at the other end of pipes.

use bytes::Bytes;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

use super::*;

pub(super) const BODY: Bytes = Bytes::from_static(&[b'x'; 300]);

/// Each connect is a new pipe, whose other end goes to the test.
struct Pipes {
    dialled: mpsc::Sender<DuplexStream>,
    holds: usize,
}

impl Resolve for Pipes {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async { Ok(vec![([192, 0, 2, 1], 80).into()]) })
    }
}

impl Dial for Pipes {
    fn dial(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        let (ours, theirs) = tokio::io::duplex(self.holds);
        self.dialled.try_send(theirs).unwrap();
        Box::pin(async { Ok(Box::new(ours) as Box<dyn Io>) })
    }
}

pub(super) struct World {
    pool: PeerPool,
    pipes: mpsc::Receiver<DuplexStream>,
    in_flight: Arc<InFlight>,
    pub(super) machine: Machine,
}

impl World {
    pub(super) fn new(settings: UpstreamSettings, http: Http, holds: usize) -> Self {
        Self::observed(settings, http, holds, Unobserved)
    }

    /// A world whose pool reports to `observer`.
    pub(super) fn observed(
        settings: UpstreamSettings,
        http: Http,
        holds: usize,
        observer: impl Observe,
    ) -> Self {
        let (dialled, pipes) = mpsc::channel(16);
        let resolver = Pipes { dialled: dialled.clone(), holds };
        let dialer = Pipes { dialled, holds };
        let (machine, resolver, dialer) = (Machine::new(), Arc::new(resolver), Arc::new(dialer));
        let upstream = Upstream::with_wall_clock(settings, resolver, dialer, observer, machine.wall_clock());
        let peer = Peer { origin: Origin::http("peer.test"), http, ..peer("peer.test") };
        let pool = upstream.peer(Peer { proves_credential: false, ..peer }).unwrap();
        Self { pool, pipes, in_flight: Arc::default(), machine }
    }

    /// A request whose caller waits for long.
    pub(super) fn send(&self) -> tokio::task::JoinHandle<Result<Reply, UpstreamError>> {
        self.send_until(far())
    }

    /// A request that cannot be made again.
    pub(super) fn send_once(&self) -> tokio::task::JoinHandle<Result<Reply, UpstreamError>> {
        self.exchange(far(), || None)
    }

    pub(super) fn send_until(
        &self,
        deadline: Instant,
    ) -> tokio::task::JoinHandle<Result<Reply, UpstreamError>> {
        self.exchange(deadline, || Some(request()))
    }

    fn exchange(
        &self,
        deadline: Instant,
        again: impl Fn() -> Option<Request> + Send + 'static,
    ) -> tokio::task::JoinHandle<Result<Reply, UpstreamError>> {
        let (pool, in_flight) = (self.pool.clone(), Arc::clone(&self.in_flight));
        tokio::spawn(async move {
            let share = in_flight.begin(10).unwrap();
            let permit = pool.permit(Flow::SINGLE, deadline).await?;
            permit.exchange(request(), again, &share).await.map(|answer| answer.reply)
        })
    }

    /// The right to a stream of the next connection that is opened, and what an exchange counts in.
    pub(super) fn permit(&self, deadline: Instant) -> impl Future<Output = (Permit, Share)> + use<> {
        let (pool, in_flight) = (self.pool.clone(), Arc::clone(&self.in_flight));
        async move { (pool.permit(Flow::SINGLE, deadline).await.unwrap(), in_flight.begin(10).unwrap()) }
    }

    /// The pool itself.
    pub(super) fn pool(&self) -> &Arc<Pool> {
        self.pool.pool()
    }

    /// The number of its only connection.
    pub(super) fn connection(&self) -> u64 {
        self.pool().only_connection()
    }

    /// The next connection that is opened.
    pub(super) async fn pipe(&mut self) -> DuplexStream {
        self.pipes.recv().await.unwrap()
    }

    /// Nothing more was opened.
    pub(super) fn none_opened(&mut self) -> bool {
        self.pipes.try_recv().is_err()
    }
}

pub(super) fn request() -> Request {
    request_for("/")
}

pub(super) fn request_for(path: &str) -> Request {
    Request::new(&http::Method::POST, &[path], BODY).unwrap()
}
