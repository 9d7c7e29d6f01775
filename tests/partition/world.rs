//! Two stand-ins for APNs and the pool, on turmoil's network.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fanfare::credential::Credential;
use fanfare::desk::Admission;
use fanfare::dispatch::{ApnsPeers, Ask, DispatchSettings, Dispatcher, Route, Terms};
use fanfare::metrics::Metrics;
use fanfare::provider::Provider;
use fanfare::provider::apns::{Apns, ApnsSettings, Device, Target};
use fanfare::push::{
    ApnsEnvironment, AppId, Body, Content, DeviceToken, Labels, Notification, Options, PushId, PushResult,
};
use fanfare::sharer::Sharer;
use fanfare_upstream::ServiceClass;
use fanfare_upstream::transport::Io;
use fanfare_upstream::{
    BoxFuture, Dial, Flow, Http, Origin, Peer, Reach, Resolve, Upstream, UpstreamSettings, tls,
};
use futures_util::future::join_all;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const PORT: u16 = 2197;
pub(crate) const NAMES: [&str; 2] = ["first", "second"];
pub(crate) const GATEWAY: &str = "gateway";
/// Streams that a stand-in allows on one connection.
const STREAMS: u32 = 10;
const ANSWER_TAKES: Duration = Duration::from_millis(500);
pub(crate) const PING_AFTER: Duration = Duration::from_secs(2);
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest time that a segment takes from one host to the other.
pub(crate) const LATENCY: Duration = Duration::from_millis(20);

/// The events of a simulation and their times, in their order.
#[derive(Default)]
pub(crate) struct Course(Mutex<Vec<(Duration, String)>>);

impl Course {
    pub(crate) fn note(&self, event: String) {
        self.0.lock().unwrap().push((turmoil::sim_elapsed().unwrap(), event));
    }

    /// How often an event happened that begins with these words.
    pub(crate) fn count(&self, begins: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|(_, event)| event.starts_with(begins)).count()
    }

    pub(crate) fn all(&self) -> Vec<(Duration, String)> {
        self.0.lock().unwrap().clone()
    }
}

/// The addresses of the name `upstream`, which the test sets.
#[derive(Default)]
pub(crate) struct Names(Mutex<Vec<IpAddr>>);

impl Names {
    pub(crate) fn are(&self, hosts: &[&str]) {
        *self.0.lock().unwrap() = hosts.iter().map(|host| turmoil::lookup(*host)).collect();
    }
}

struct Resolver(Arc<Names>);

impl Resolve for Resolver {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let addresses = self.0.0.lock().unwrap().iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        Box::pin(async move { Ok(addresses) })
    }
}

struct Dialer;

impl Dial for Dialer {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        Box::pin(async move {
            let stream = turmoil::net::TcpStream::connect(address).await?;
            Ok(Box::new(stream) as Box<dyn Io>)
        })
    }
}

/// A stand-in for APNs, which notes each whole request, and answers 200 after a while.
async fn stand_in(name: &'static str, course: Arc<Course>) -> turmoil::Result {
    let listener = turmoil::net::TcpListener::bind((IpAddr::from([0, 0, 0, 0]), PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        course.note(format!("{name}: connection"));
        tokio::spawn(serve(name, stream, Arc::clone(&course)));
    }
}

async fn serve(
    name: &'static str,
    stream: turmoil::net::TcpStream,
    course: Arc<Course>,
) -> Result<(), h2::Error> {
    let mut connection =
        h2::server::Builder::new().max_concurrent_streams(STREAMS).handshake::<_, Bytes>(stream).await?;
    while let Some(accepted) = connection.accept().await {
        let (request, mut answer) = accepted?;
        let course = Arc::clone(&course);
        tokio::spawn(async move {
            let token = request.uri().path().rsplit('/').next().unwrap().to_owned();
            let mut body = request.into_body();
            while let Some(data) = body.data().await {
                body.flow_control().release_capacity(data?.len())?;
            }
            course.note(format!("{name}: request {token}"));
            tokio::time::sleep(ANSWER_TAKES).await;
            let named = http::Response::builder().header("apns-id", token).body(()).unwrap();
            answer.send_response(named, true)?;
            Ok::<_, h2::Error>(())
        });
    }
    Ok(())
}

/// The pool and the dispatcher, as the gateway has them, on the simulated network.
#[derive(Clone)]
pub(crate) struct Gateway {
    dispatcher: Arc<Dispatcher>,
    admission: Arc<Admission>,
    route: Arc<Route<Apns>>,
    pub(crate) names: Arc<Names>,
    pub(crate) course: Arc<Course>,
    metrics: Arc<Metrics>,
}

impl Gateway {
    fn new(course: Arc<Course>, idle_timeout: Duration) -> Self {
        let metrics = Arc::new(Metrics::default());
        let names = Arc::new(Names::default());
        let settings = UpstreamSettings {
            ping_after: PING_AFTER,
            ping_timeout: PING_TIMEOUT,
            idle_timeout,
            ..UpstreamSettings::default()
        };
        let resolver = Arc::new(Resolver(Arc::clone(&names)));
        let upstream = Upstream::new(settings, resolver, Arc::new(Dialer), metrics.upstream.clone());
        let origin: Origin = format!("http://upstream:{PORT}").parse().unwrap();
        let peer = Peer {
            origin,
            identity: "none".into(),
            tls: tls::client_config(Arc::new(rustls::RootCertStore::empty()), None, Http::Two).unwrap(),
            http: Http::Two,
            proxy: None,
            reach: Reach::Anywhere,
            proves_credential: false,
        };
        let pool = upstream.peer(peer).unwrap();
        let settings = ApnsSettings {
            environment: ApnsEnvironment::Production,
            topics: vec!["com.example.app".to_owned()],
            certificate: true,
            unknown_push_types: false,
        };
        let route = Route::new(
            AppId::parse("app").unwrap(),
            Apns::try_new(settings).unwrap(),
            Credential::Certificate,
            ApnsPeers { production: pool.clone(), sandbox: pool },
            metrics.pushes.app("app", Apns::KIND),
        );
        Self {
            dispatcher: Arc::new(Dispatcher::new(DispatchSettings::default(), CancellationToken::new())),
            admission: Admission::new(1000, Arc::default()).into(),
            route: Arc::new(route),
            names,
            course,
            metrics,
        }
    }

    /// Sends a push to each token at once. Returns their verdicts.
    pub(crate) fn send(&self, tokens: std::ops::Range<usize>) -> tokio::task::JoinHandle<Vec<PushResult>> {
        let gateway = self.clone();
        tokio::spawn(async move { join_all(tokens.map(|number| gateway.send_one(number))).await })
    }

    async fn send_one(&self, number: usize) -> PushResult {
        let (id, target, body) = push(number);
        let mut room = self
            .admission
            .admit(ServiceClass::Interactive, [&Sharer::default(), &Sharer::default()])
            .unwrap();
        let begun = Instant::now();
        let (flow, deadline) = (Flow::SINGLE, begun + Duration::from_secs(20));
        let terms = &Terms { flow, begun, deadline };
        let (id, target, body) = (&id, &target, &body);
        let ask = Ask { id, target, body, encoded: None, route: &self.route, terms, parent: None };
        let result = self.dispatcher.send(&ask, &mut room).await;
        self.course.note(format!("verdict {number} {:?} {:?}", result.outcome, result.reason));
        result
    }

    /// Waits until an event has happened so often.
    pub(crate) async fn until(&self, begins: &str, times: usize) {
        while self.course.count(begins) < times {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn closed(&self, cause: &str) -> usize {
        let page = self.metrics.page();
        let lines =
            page.lines().filter(|line| line.starts_with("fanfare_upstream_connections_closed_total{"));
        let lines = lines.filter(|line| line.contains(&format!("cause=\"{cause}\"")));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }
}

fn token(number: usize) -> String {
    format!("900d{number:060x}")
}

fn push(number: usize) -> (PushId, Target, Body) {
    let notification = Notification { title: "Hello".to_owned(), ..Notification::default() };
    let body = Body {
        app: AppId::parse("app").unwrap(),
        content: Content { notification: Some(notification), ..Content::default() },
        options: Options::default(),
        accepted_at: SystemTime::UNIX_EPOCH,
        labels: Labels::new(),
    };
    let token = DeviceToken::parse(token(number)).unwrap();
    let target = Target::Device(Device { token, environment: None, topic: None });
    (PushId::parse(format!("push-{number}")).unwrap(), target, body)
}

/// Runs a test on the gateway's host, whose connections do not become idle. Returns what happened.
pub(crate) fn simulate<F, Fut>(seed: u64, test: F) -> Vec<(Duration, String)>
where
    F: FnOnce(Gateway) -> Fut,
    Fut: Future<Output = ()> + 'static,
{
    simulate_with(seed, UpstreamSettings::default().idle_timeout, test)
}

/// The same, where connections without requests are closed after this time.
pub(crate) fn simulate_with<F, Fut>(seed: u64, idle_timeout: Duration, test: F) -> Vec<(Duration, String)>
where
    F: FnOnce(Gateway) -> Fut,
    Fut: Future<Output = ()> + 'static,
{
    // This seeds the pool's jitter and the order in which it tries addresses: all of the simulation runs on this thread.
    fastrand::seed(seed);
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .tick_duration(Duration::from_millis(5))
        .simulation_duration(Duration::from_secs(60))
        .max_message_latency(LATENCY)
        .build();
    let course = Arc::new(Course::default());
    for name in NAMES {
        let course = Arc::clone(&course);
        sim.host(name, move || stand_in(name, Arc::clone(&course)));
    }
    let test = test(Gateway::new(Arc::clone(&course), idle_timeout));
    sim.client(GATEWAY, async move {
        test.await;
        Ok(())
    });
    sim.run().unwrap();
    course.all()
}
