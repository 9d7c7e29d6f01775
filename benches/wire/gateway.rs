//! The gateway as the party under test, with every feature that it ships with.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use fanfare::app::{Gateway, Network};
use fanfare::config::{ApnsConfig, ApnsCredential, AppConfig, Config, Trust};
use fanfare::ingress::http::HttpSettings;
use fanfare::ingress::mattermost::{MattermostSettings, PlatformApp, PlatformKind};
use fanfare::provider::apns::{Apns, ApnsSettings};
use fanfare::push::{ApnsEnvironment, AppId};
use fanfare::telemetry::{self, LogSettings, TraceSettings};
use secrecy::SecretString;

use super::callers::Material;
use super::child::Started;
use super::messages::{APP, PLATFORM, TOPIC};
use super::sockets::{Loopback, Writes};
use super::spec::{Shape, Spec, Upstream};
use super::standin::HOST;

/// This is longer than any run, because slow pushes are to be measured and not given up.
const MAX_WAIT: Duration = Duration::from_secs(120);

pub(crate) async fn start(
    spec: Spec,
    upstream: Upstream,
    material: Option<Material>,
) -> anyhow::Result<Started> {
    // The gateway logs as `fanfare serve` does, but for the lines of every start.
    let log = LogSettings { filter: "warn".to_owned(), ..LogSettings::default() };
    let (_log, _exporting) = telemetry::init_with_traces(&log, &traces(&upstream)?)?;
    let writes = Writes::default();
    let network = Network { resolver: Arc::new(Loopback), dialer: Arc::new(writes.clone()) };
    let mut config = config(&spec, &upstream)?;
    if let Some(material) = material {
        material.configure(&spec, &mut config)?;
    }
    let gateway = Gateway::start(config, network).await?;
    let port = match spec.shape {
        Shape::Mattermost => gateway.http_addresses().first().context("a listener for Mattermost")?.port(),
        Shape::Unary | Shape::Waves | Shape::Stream(_) | Shape::Multicast(_) => gateway.grpc_address().port(),
    };
    let also = Some(gateway.admin_address().port());
    let counts = move || {
        // The gateway lives as long as its counts may be asked for.
        let _ = &gateway;
        writes.counts()
    };
    Ok(Started { port, also, ca: None, counts: Box::new(counts) })
}

/// One push in a hundred is traced where there is a collector, which is the default.
fn traces(upstream: &Upstream) -> anyhow::Result<TraceSettings> {
    let endpoint = upstream.collector.map(|port| format!("http://127.0.0.1:{port}").parse()).transpose()?;
    Ok(TraceSettings { endpoint, ..TraceSettings::default() })
}

fn config(spec: &Spec, upstream: &Upstream) -> anyhow::Result<Config> {
    let key = rcgen::KeyPair::generate()?.serialize_pem();
    let credential = ApnsCredential::token(&SecretString::from(key), "ABC123DEFG", "DEF123GHIJ")?;
    let provider = Apns::try_new(ApnsSettings {
        environment: ApnsEnvironment::Production,
        topics: vec![TOPIC.to_owned()],
        certificate: false,
        unknown_push_types: false,
    })?;
    let apns = Some(ApnsConfig { provider, credential });
    let (scheme, trust) = match &upstream.ca {
        Some(ca) => ("https", Trust::of_system_and(ca)?),
        None => ("http", Trust::of_system()?),
    };
    let app = AppConfig { apns, ..AppConfig::new(AppId::parse(APP)?) };
    let mut config = Config::on_loopback(vec![app], trust);
    config.apns_production = format!("{scheme}://{HOST}:{}", upstream.port).parse()?;
    config.upstream.max_connections_per_peer = spec.upstream_connections;
    config.grpc.max_wait = MAX_WAIT;
    if spec.shape == Shape::Mattermost {
        config.http.push(mattermost(spec));
    }
    // The defaults are made for a service. A run that holds more pushes is given room for them.
    config.max_in_flight = config.max_in_flight.max(2 * spec.in_flight);
    config.grpc.batch.window = config.grpc.batch.window.max(2 * spec.in_flight);
    Ok(config)
}

/// The listener of Mattermost servers. All of the load comes from one address, as it does from one server.
fn mattermost(spec: &Spec) -> HttpSettings {
    let mut http = HttpSettings::on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let app = PlatformApp { app: APP.to_owned(), kind: PlatformKind::Apple };
    http.mattermost =
        Some(MattermostSettings { platforms: [(PLATFORM.to_owned(), app)].into(), forward: None });
    http.max_requests_per_source = 2 * spec.in_flight;
    http.requests_per_second_per_source = NonZeroU32::MAX;
    http
}
