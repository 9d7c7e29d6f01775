//! Builds every part once, runs the listeners, and drains on shutdown.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic_health::server::HealthReporter;

use crate::config::{ApnsConfig, ApnsCredential, AppConfig, Config};
use crate::credential::apns::{KeyId, ProviderToken, TeamId};
use crate::credential::{Credential, CredentialError};
use crate::dispatch::{Admission, AppRoutes, Dispatcher, Route, Routes, Upstreams};
use crate::ingress::admin::{self, Admin};
use crate::ingress::grpc::{Core, GrpcSettings, Service, incoming};
use crate::metrics::Metrics;
use crate::proto::{self, push_service_server::PushServiceServer};
use crate::provider::Provider;
use crate::push::{AppId, ProviderKind};
use crate::upstream::tls::{self, TlsError};
use crate::upstream::{Dial, Http, Origin, Peer, Resolve, SystemResolver, TcpDialer, TooManyPeers, Upstream};

/// What remains of a shutdown once every verdict is out: a caller that does not finish its part of the
/// connection would hold tonic's own shutdown for an hour (hyperium/hyper issue 4170).
const LAST_GOODBYE: Duration = Duration::from_secs(2);

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener cannot listen.
    #[error("{key} = {address} cannot be listened on: {source}")]
    Listen {
        /// The configuration's key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// TLS to an upstream cannot be set up.
    #[error("app {app}: TLS to the upstream cannot be set up: {source}")]
    Tls {
        /// The app.
        app: AppId,
        /// Why.
        source: TlsError,
    },
    /// The operating system's roots cannot be used.
    #[error("TLS to upstreams cannot be set up: {0}")]
    Roots(TlsError),
    /// A credential cannot be used.
    #[error("app {app}: {source}")]
    Credential {
        /// The app.
        app: AppId,
        /// Why.
        source: CredentialError,
    },
    /// The configuration names too many upstreams.
    #[error(transparent)]
    TooManyPeers(#[from] TooManyPeers),
    /// Reflection cannot be served.
    #[error("gRPC reflection cannot be served: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// How the gateway reaches the network; tests put their own in.
pub struct Network {
    /// Finds addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Opens byte streams.
    pub dialer: Arc<dyn Dial>,
}

impl Default for Network {
    fn default() -> Self {
        Self { resolver: Arc::new(SystemResolver), dialer: Arc::new(TcpDialer) }
    }
}

/// A gateway that serves.
pub struct Gateway {
    grpc_address: SocketAddr,
    admin_address: SocketAddr,
    metrics: Arc<Metrics>,
    admission: Arc<Admission>,
    upstream: Arc<Upstream>,
    health: HealthReporter,
    drain_timeout: Duration,
    draining: CancellationToken,
    stop: CancellationToken,
    servers: Vec<JoinHandle<()>>,
}

impl Gateway {
    /// Builds every part and begins to serve.
    ///
    /// # Errors
    /// Where an address cannot be listened on, or a credential or certificate cannot be used.
    pub async fn start(config: Config, network: Network) -> Result<Self, StartError> {
        let metrics = Arc::new(Metrics::default());
        let draining = CancellationToken::new();
        let stop = CancellationToken::new();
        let upstream = Arc::new(Upstream::new(
            config.upstream.clone(),
            network.resolver,
            network.dialer,
            metrics.upstream.clone(),
        ));
        let roots = tls::roots(&config.extra_roots).map_err(StartError::Roots)?;
        let mut builder = RouteBuilder {
            upstream: &upstream,
            metrics: &metrics,
            plain_tls: tls::client_config(Arc::clone(&roots), None, Http::Two).map_err(StartError::Roots)?,
            roots,
            production: config.apns_production,
            sandbox: config.apns_sandbox,
            tokens: HashMap::new(),
            stop: &stop,
        };
        let routes: Result<Routes, StartError> =
            config.apps.into_iter().map(|app| builder.app(app)).collect::<Result<_, _>>();
        let admission = Arc::new(Admission::new(config.max_in_flight, metrics.pushes.in_flight().clone()));
        let service = Service(Arc::new(Core {
            max_wait: config.grpc.max_wait,
            batch: config.grpc.batch.clone(),
            routes: routes?,
            admission: Arc::clone(&admission),
            dispatcher: Dispatcher::new(config.dispatch, draining.clone()),
            metrics: metrics.pushes.clone(),
        }));

        let (grpc, grpc_address) = listen("grpc.listen", config.grpc.listen).await?;
        let (admin, admin_address) = listen("admin.listen", config.admin.listen).await?;
        let (health, grpc) = serve_grpc(&config.grpc, service, grpc, stop.clone()).await?;
        let router =
            admin::router(Admin { metrics: Arc::clone(&metrics), admission: Arc::clone(&admission) });
        let admin_stop = stop.clone();
        let admin = tokio::spawn(async move {
            let served =
                axum::serve(admin, router).with_graceful_shutdown(admin_stop.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::error!(%error, "the admin listener has ended");
            }
        });
        tracing::info!(grpc = %grpc_address, admin = %admin_address, "serving");
        Ok(Self {
            grpc_address,
            admin_address,
            metrics,
            admission,
            upstream,
            health,
            drain_timeout: config.drain_timeout,
            draining,
            stop,
            servers: vec![grpc, admin],
        })
    }

    /// Where gRPC is served.
    #[must_use]
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc_address
    }

    /// Where the admin listener is.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Every metric.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Takes nothing more, lets what is in flight come to its verdict for `limits.drain_timeout`, then ends
    /// what is left: unwritten pushes are NOT_ATTEMPTED, unanswered ones UNCONFIRMED.
    pub async fn shut_down(self) {
        tracing::info!(in_flight = self.admission.in_flight(), "draining");
        self.admission.drain();
        self.draining.cancel();
        self.upstream.drain_batches();
        self.health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
        self.health.set_not_serving::<PushServiceServer<Service>>().await;

        let end = tokio::time::Instant::now() + self.drain_timeout;
        let drained = tokio::time::timeout_at(end, self.admission.idle()).await.is_ok();
        if !drained {
            tracing::warn!(in_flight = self.admission.in_flight(), "drain timeout: ending what is in flight");
        }
        self.upstream.shut_down();
        if !drained {
            self.upstream.abort();
            // Every wait for an upstream has just ended, so verdicts are a matter of turns.
            let _ = tokio::time::timeout(LAST_GOODBYE, self.admission.idle()).await;
        }
        // Verdicts are out when their callers have read them: batches may take what is left of the time.
        while self.metrics.pushes.batch_streams().get() > 0 && tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.stop.cancel();
        let mut servers = self.servers;
        let goodbye = futures_util::future::join_all(servers.iter_mut());
        if tokio::time::timeout(LAST_GOODBYE, goodbye).await.is_err() {
            tracing::debug!("some callers keep their connections; leaving them");
            servers.iter().for_each(JoinHandle::abort);
        }
        self.upstream.abort();
        tracing::info!("stopped");
    }
}

async fn listen(key: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { key, address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

async fn serve_grpc(
    settings: &GrpcSettings,
    service: Service,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(HealthReporter, JoinHandle<()>), StartError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<PushServiceServer<Service>>().await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let push_service = PushServiceServer::new(service).max_decoding_message_size(settings.max_message_bytes);
    let router = tonic::transport::Server::builder()
        .initial_stream_window_size(settings.stream_window)
        .initial_connection_window_size(settings.connection_window)
        .max_concurrent_streams(settings.max_concurrent_streams)
        .http2_keepalive_interval(Some(settings.keepalive_interval))
        .http2_keepalive_timeout(Some(settings.keepalive_timeout))
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        // grpcurl before 1.9 and grpcio ask this one.
        .add_service(reflection().build_v1alpha()?)
        .add_service(push_service);
    let incoming = incoming(listener);
    let server = tokio::spawn(async move {
        if let Err(error) = router.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await {
            tracing::error!(%error, "the gRPC listener has ended");
        }
    });
    Ok((health, server))
}

/// Builds routes. A key that several apps name is one credential, with one token for all.
struct RouteBuilder<'a> {
    upstream: &'a Upstream,
    metrics: &'a Metrics,
    roots: Arc<rustls::RootCertStore>,
    plain_tls: Arc<rustls::ClientConfig>,
    production: Origin,
    sandbox: Origin,
    tokens: HashMap<(String, String), Arc<ProviderToken>>,
    stop: &'a CancellationToken,
}

impl RouteBuilder<'_> {
    fn app(&mut self, app: AppConfig) -> Result<(AppId, AppRoutes), StartError> {
        let apns = match app.apns {
            Some(apns) => Some(Arc::new(self.apns(&app.id, apns)?)),
            None => None,
        };
        Ok((app.id, AppRoutes { default_ttl: app.default_ttl, apns }))
    }

    fn apns(&mut self, app: &AppId, config: ApnsConfig) -> Result<Route, StartError> {
        let (credential, identity, tls) = match config.credential {
            ApnsCredential::Token { key, key_id, team_id } => {
                let identity = format!("{team_id}/{key_id}");
                let token = match self.tokens.entry((team_id, key_id)) {
                    std::collections::hash_map::Entry::Occupied(known) => Arc::clone(known.get()),
                    std::collections::hash_map::Entry::Vacant(vacant) => {
                        let (team_id, key_id) = vacant.key();
                        let token = KeyId::parse(key_id)
                            .and_then(|key_id| ProviderToken::new(&key, key_id, TeamId::parse(team_id)?))
                            .map_err(|source| StartError::Credential { app: app.clone(), source })?;
                        let token = Arc::clone(vacant.insert(Arc::new(token)));
                        tokio::spawn(Arc::clone(&token).keep_fresh(self.stop.clone()));
                        token
                    }
                };
                (Credential::ProviderToken(token), identity, Arc::clone(&self.plain_tls))
            }
            ApnsCredential::Certificate(certificate) => {
                let fingerprint = Sha256::digest(certificate.leaf());
                let identity: String = fingerprint.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
                let tls = tls::client_config(Arc::clone(&self.roots), Some(certificate), Http::Two)
                    .map_err(|source| StartError::Tls { app: app.clone(), source })?;
                (Credential::Certificate, format!("certificate {identity}"), tls)
            }
        };
        let proves_credential = matches!(credential, Credential::ProviderToken(_));
        let peer = |origin: &Origin| Peer {
            origin: origin.clone(),
            identity: identity.as_str().into(),
            tls: Arc::clone(&tls),
            http: Http::Two,
            proxy: None,
            proves_credential,
        };
        let upstreams = Upstreams::Apns {
            production: self.upstream.peer(peer(&self.production))?,
            sandbox: self.upstream.peer(peer(&self.sandbox))?,
        };
        let metrics = self.metrics.pushes.app(app.as_str(), ProviderKind::Apns);
        Ok(Route::new(Provider::Apns(config.provider), credential, upstreams, metrics))
    }
}
