//! The stand-in push service: a pump of frames that answers every request, at once or after a set latency. It reads no headers,
//! because it has to cost as little as possible.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use super::child::{Counts, Started};
use super::collector;
use super::frames::{self, Head, Pipe, Received};
use super::hpack;
use super::spec::{Spec, WatchedBy};

/// The name of the certificate, and of the host that the gateway calls.
pub(crate) const HOST: &str = "localhost";

/// How long a peer that was told to go away has to hang up.
const GOODBYE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct Counters {
    sockets: AtomicU64,
    closed: AtomicU64,
    arrived: AtomicU64,
    answered: AtomicU64,
}

/// Everything that is the same for all connections.
struct Plan {
    head: Vec<u8>,
    json: Option<Vec<u8>>,
    latency: Duration,
    max_streams: u32,
    goaway_every: u32,
    counters: Counters,
}

pub(crate) async fn start(spec: Spec) -> anyhow::Result<Started> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let (tls, ca) = if spec.tls { tls()? } else { (None, None) };
    let plan = Arc::new(Plan {
        head: hpack::answer(spec.json),
        json: spec
            .json
            .then(|| format!(r#"{{"name":"projects/bench/messages/{}"}}"#, "0".repeat(45)).into_bytes()),
        latency: spec.latency,
        max_streams: spec.max_streams,
        goaway_every: spec.goaway_every.unwrap_or(u32::MAX),
        counters: Counters::default(),
    });
    let collector = match spec.watched_by {
        WatchedBy::Collector => Some(collector::start().await?),
        WatchedBy::Nobody | WatchedBy::Page => None,
    };
    let also = collector.as_ref().map(|(port, _)| *port);
    let counted = Arc::clone(&plan);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            plan.counters.sockets.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(socket, tls.clone(), Arc::clone(&plan)));
        }
    });
    let counts = move || {
        let counters = &counted.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (sockets, answered) = (read(&counters.sockets), read(&counters.answered));
        let spans = collector.as_ref().map(|(_, spans)| ("spans".to_owned(), spans.count()));
        Counts::from_iter(spans.into_iter().chain([
            ("sockets".to_owned(), sockets),
            ("connections".to_owned(), sockets - read(&counters.closed)),
            ("answered".to_owned(), answered),
            ("in_flight".to_owned(), read(&counters.arrived).saturating_sub(answered)),
        ]))
    };
    Ok(Started { port, also, ca, counts: Box::new(counts) })
}

/// A certificate for loopback, made at start.
fn tls() -> anyhow::Result<(Option<TlsAcceptor>, Option<String>)> {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok((Some(TlsAcceptor::from(Arc::new(config))), Some(made.cert.pem())))
}

async fn serve(socket: TcpStream, tls: Option<TlsAcceptor>, plan: Arc<Plan>) {
    let served = async {
        socket.set_nodelay(true)?;
        match tls {
            Some(tls) => Connection::new(tls.accept(socket).await?, &plan).run().await,
            None => Connection::new(socket, &plan).run().await,
        }
    };
    // A peer that hangs up ends the connection as any other end does.
    let _: io::Result<()> = served.await;
    plan.counters.closed.fetch_add(1, Ordering::Relaxed);
}

struct Connection<'a, S> {
    pipe: Pipe<S>,
    plan: &'a Plan,
    /// The answers to come. The latency is the same for all, so they are due in the order of their requests.
    due: VecDeque<(Instant, u32)>,
    begun: u32,
    last: u32,
    open: usize,
    /// Streams above this one are not processed.
    goaway: Option<u32>,
    received: Received,
    window: i64,
    /// Answers that wait for the peer's window.
    held: VecDeque<u32>,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Connection<'a, S> {
    fn new(socket: S, plan: &'a Plan) -> Self {
        Self {
            pipe: Pipe::new(socket),
            plan,
            due: VecDeque::new(),
            begun: 0,
            last: 0,
            open: 0,
            goaway: None,
            received: Received::default(),
            window: frames::FIRST_WINDOW.into(),
            held: VecDeque::new(),
        }
    }

    async fn run(mut self) -> io::Result<()> {
        let settings = [
            (frames::MAX_CONCURRENT_STREAMS, self.plan.max_streams),
            (frames::INITIAL_WINDOW_SIZE, frames::LARGEST_WINDOW),
        ];
        frames::put_greeting(&mut self.pipe.out, &settings);
        let mut greeted = false;
        while self.goaway.is_none() || self.open > 0 {
            let due = self.due.front().map(|(due, _)| *due);
            tokio::select! {
                more = self.pipe.turn() => if !more? { return Ok(()) },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
            greeted = greeted || self.pipe.skip(frames::PREFACE.len());
            if greeted {
                self.read();
            }
            let now = Instant::now();
            while self.due.front().is_some_and(|(due, _)| *due <= now) {
                let stream = self.due.pop_front().map_or(0, |(_, stream)| stream);
                self.answer(stream);
            }
        }
        self.pipe.shut_down().await?;
        let hung_up = async {
            while self.pipe.turn().await? {
                while self.pipe.frame().is_some() {}
            }
            Ok(())
        };
        timeout(GOODBYE, hung_up).await?
    }

    fn read(&mut self) {
        while let Some((head, range)) = self.pipe.frame() {
            match head.kind {
                frames::HEADERS => self.headers(head),
                frames::DATA => {
                    self.received.take(&mut self.pipe.out, 0, head.length);
                    if head.has(frames::END_STREAM) {
                        self.arrived(head.stream);
                    }
                }
                frames::WINDOW_UPDATE if head.stream == 0 => {
                    self.window += i64::from(frames::number(self.pipe.payload(&range)));
                    while self.window > 0
                        && let Some(stream) = self.held.pop_front()
                    {
                        self.answer(stream);
                    }
                }
                frames::RST_STREAM => self.reset(head.stream),
                _ => self.pipe.acknowledge(head, &range),
            }
        }
    }

    fn headers(&mut self, head: Head) {
        if self.goaway.is_some() || head.stream <= self.last {
            return;
        }
        self.last = head.stream;
        self.begun += 1;
        self.open += 1;
        self.plan.counters.arrived.fetch_add(1, Ordering::Relaxed);
        if self.begun == self.plan.goaway_every {
            self.goaway = Some(head.stream);
            let payload = [head.stream.to_be_bytes(), [0; 4]].concat();
            frames::put(&mut self.pipe.out, frames::GOAWAY, 0, 0, &payload);
        }
        if head.has(frames::END_STREAM) {
            self.arrived(head.stream);
        }
    }

    /// Takes a request that is whole.
    fn arrived(&mut self, stream: u32) {
        if self.goaway.is_some_and(|last| stream > last) {
            return;
        }
        // The first answer of a connection, which proves it to a pool, comes at once. Otherwise connections that open one after
        // another would take as many latencies until pushes are in flight together.
        if self.plan.latency.is_zero() || stream == 1 {
            self.answer(stream);
        } else {
            self.due.push_back((Instant::now() + self.plan.latency, stream));
        }
    }

    fn answer(&mut self, stream: u32) {
        let out = &mut self.pipe.out;
        match &self.plan.json {
            None => {
                let flags = frames::END_HEADERS | frames::END_STREAM;
                frames::put(out, frames::HEADERS, flags, stream, &self.plan.head);
            }
            Some(_) if self.window <= 0 => return self.held.push_back(stream),
            Some(json) => {
                self.window -= i64::try_from(json.len()).unwrap_or(i64::MAX);
                frames::put(out, frames::HEADERS, frames::END_HEADERS, stream, &self.plan.head);
                frames::put(out, frames::DATA, frames::END_STREAM, stream, json);
            }
        }
        self.open -= 1;
        self.plan.counters.answered.fetch_add(1, Ordering::Relaxed);
    }

    fn reset(&mut self, stream: u32) {
        let waiting = self.due.len() + self.held.len();
        self.due.retain(|(_, due)| *due != stream);
        self.held.retain(|held| *held != stream);
        self.open -= waiting - self.due.len() - self.held.len();
    }
}
