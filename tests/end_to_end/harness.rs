//! A simulator and a gateway on free ports of loopback, and a caller.

use std::io::Write as _;
use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare::config::{ApnsConfig, ApnsCredential, AppConfig, Config, Trust};
use fanfare::proto;
use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::provider::apns::{Apns, ApnsSettings};
use fanfare::push::{ApnsEnvironment, AppId};
use fanfare_simulator::{Environment, Simulator, SimulatorBuilder};
use fanfare_upstream::Http;
use fanfare_upstream::tls::ClientIdentity;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::transport::{Channel, Endpoint};

pub(crate) const APP: &str = "shop";
pub(crate) const TOPIC: &str = "com.example.app";

/// No test waits longer than this for something that must happen.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Longer than the first two waits of a credential that is refused: one push may ask then if it is taken again.
pub(crate) const PROBE_IS_DUE: Duration = Duration::from_secs(2);

/// How long a test waits before it looks again.
pub(crate) const LOOK: Duration = Duration::from_millis(5);

/// A gateway in front of a simulator.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) gateway: Gateway,
    pub(crate) client: PushServiceClient<Channel>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder, |_| {}).await
    }

    /// Starts a world whose simulator and configuration are changed.
    pub(crate) async fn with(
        simulator: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let simulator = simulator(Simulator::builder().bundle_ids([TOPIC])).start().await.unwrap();
        let mut config = config(&simulator);
        change(&mut config);
        let gateway = Gateway::start(config, Network::default()).await.unwrap();
        let client = connect(&gateway).await;
        Self { simulator, gateway, client }
    }

    /// Sends one push and returns its result.
    pub(crate) async fn send(&self, push: proto::Push) -> proto::PushResult {
        self.call(push).await.unwrap()
    }

    pub(crate) async fn call(&self, push: proto::Push) -> Result<proto::PushResult, tonic::Status> {
        let request = proto::SendPushRequest { push: Some(Box::new(push)) };
        let call = self.client.clone().send_push(request).await;
        Ok(call?.into_inner().result.expect("an answer has a result"))
    }

    /// Sends a push to each token at once.
    pub(crate) async fn send_all(&self, tokens: impl IntoIterator<Item = String>) -> Vec<proto::PushResult> {
        futures_util::future::join_all(tokens.into_iter().map(|token| self.send(push(&token)))).await
    }
}

pub(crate) async fn channel(gateway: &Gateway) -> Channel {
    let to = format!("http://{}", gateway.grpc_address());
    Endpoint::from_shared(to).unwrap().connect().await.unwrap()
}

pub(crate) async fn connect(gateway: &Gateway) -> PushServiceClient<Channel> {
    PushServiceClient::new(channel(gateway).await)
}

/// A configuration of one app that sends to the simulator.
pub(crate) fn config(simulator: &Simulator) -> Config {
    let key = simulator.provider_key();
    let credential = ApnsCredential::token(&key.private_key_pem.clone().into(), &key.key_id, &key.team_id);
    let mut config = Config::on_loopback(vec![app(APP, credential.unwrap())], trust(simulator));
    // Some tests let hours pass, and their callers have nothing to do with the age of connections.
    config.grpc.max_connection_age = Duration::from_secs(365 * 24 * 60 * 60);
    config.apns_production = simulator.origin(Environment::Production).parse().unwrap();
    config.apns_sandbox = simulator.origin(Environment::Sandbox).parse().unwrap();
    config
}

pub(crate) fn trust(simulator: &Simulator) -> Trust {
    Trust::of_system_and(simulator.ca_pem()).unwrap()
}

/// A certificate that the simulator's APNs takes.
pub(crate) fn apns_certificate(simulator: &Simulator) -> ApnsCredential {
    let made = simulator.client_certificate(&[TOPIC]).unwrap();
    let (certificate, key) = (made.certificate_pem.as_bytes(), made.private_key_pem.as_bytes());
    let identity = ClientIdentity::from_pem(certificate, key).unwrap();
    ApnsCredential::Certificate(trust(simulator).with_identity(identity, Http::Two).unwrap())
}

pub(crate) fn app(name: &str, credential: ApnsCredential) -> AppConfig {
    let settings = ApnsSettings {
        environment: ApnsEnvironment::Production,
        topics: vec![TOPIC.to_owned()],
        certificate: matches!(credential, ApnsCredential::Certificate(_)),
        unknown_push_types: false,
    };
    AppConfig {
        apns: Some(ApnsConfig { provider: Apns::try_new(settings).unwrap(), credential }),
        ..AppConfig::new(AppId::parse(name).unwrap())
    }
}

/// A good device token, another for each number.
pub(crate) fn good(number: usize) -> String {
    format!("900d{number:060x}")
}

/// A push with a title and a body to a device.
pub(crate) fn push(token: &str) -> proto::Push {
    proto::Push {
        app: APP.to_owned(),
        target: Some(device(token)),
        content: Some(alert("Hello", "World")),
        ..proto::Push::default()
    }
}

/// The same push, which has to have its verdict within this time.
pub(crate) fn within(mut push: proto::Push, time: Duration) -> proto::Push {
    push.options.get_or_insert_default().max_wait = Some(time.try_into().unwrap());
    push
}

pub(crate) fn device(token: &str) -> proto::Target {
    let device = proto::ApnsDevice { token: token.to_owned(), ..proto::ApnsDevice::default() };
    proto::Target { apns: Some(device), ..proto::Target::default() }
}

pub(crate) fn alert(title: &str, body: &str) -> proto::Content {
    let notification = proto::Notification {
        title: title.to_owned(),
        body: body.to_owned(),
        ..proto::Notification::default()
    };
    proto::Content { notification: Some(notification), ..proto::Content::default() }
}

/// One sample of the metrics page: the number of the first line with this beginning, or 0 if there is none.
pub(crate) fn metric(gateway: &Gateway, line: &str) -> f64 {
    let page = gateway.metrics().page();
    let found = page.lines().find_map(|it| it.strip_prefix(line));
    found.map_or(0.0, |value| value.trim().parse().unwrap())
}

/// Waits until the condition holds, which it must do within a bound.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(LOOK).await;
        }
    };
    // A busy machine takes long for thousands of pushes, so this bound is wider.
    tokio::time::timeout(SOON * 4, holds).await.expect("the condition holds at last");
}

/// Lets time pass for the gateway and the simulator, whose timers run in this runtime. Nothing may be under way.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Sends a GET. Returns head and body.
pub(crate) async fn http_get(address: std::net::SocketAddr, path: &str) -> String {
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The sum of the samples whose lines have this beginning and contain this text.
pub(crate) fn metric_sum(world: &World, begins: &str, contains: &str) -> f64 {
    let page = world.gateway.metrics().page();
    let lines = page.lines().filter(|line| line.starts_with(begins) && line.contains(contains));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// The size of a test: the scaled one, or the full one where `FANFARE_FULL` is 1.
pub(crate) fn sized<T>(scaled: T, full: T) -> T {
    if is_full() { full } else { scaled }
}

/// Whether tests that have a full size have it.
pub(crate) fn is_full() -> bool {
    std::env::var_os("FANFARE_FULL").is_some_and(|value| value == "1")
}

/// Adds a line to the file that `FANFARE_FIGURES` names, if it names one.
pub(crate) fn figure(line: &str) {
    if let Some(file) = std::env::var_os("FANFARE_FIGURES") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
        writeln!(file, "{line}").unwrap();
    }
}
