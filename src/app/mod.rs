//! Builds every part once, runs the listeners, and drains on shutdown.

mod accept;
mod certificates;
mod routes;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic_health::server::HealthReporter;

use crate::config::Config;
use crate::credential::CredentialError;
use crate::desk::{Admission, Desk, DeskSettings};
use crate::dispatch::Dispatcher;
use crate::ingress::admin::{self, Admin};
use crate::ingress::grpc::{GrpcSettings, Service, incoming};
use crate::metrics::Metrics;
use crate::proto::{self, push_service_server::PushServiceServer};
use crate::push::AppId;
use crate::upstream::tls::TlsError;
use crate::upstream::{Dial, Resolve, SystemResolver, TcpDialer, TooManyPeers, Upstream};

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
    pub async fn start(mut config: Config, network: Network) -> Result<Self, StartError> {
        let metrics = Arc::new(Metrics::default());
        let draining = CancellationToken::new();
        let stop = CancellationToken::new();
        let upstream = Arc::new(Upstream::new(
            config.upstream.clone(),
            network.resolver,
            network.dialer,
            metrics.upstream.clone(),
        ));
        let apps = std::mem::take(&mut config.apps);
        let (routes, certificates) = routes::build(apps, &config, &upstream, &metrics, &stop)?;
        let admission = Arc::new(Admission::new(config.max_in_flight, metrics.pushes.in_flight().clone()));
        let settings = DeskSettings { max_wait: config.grpc.max_wait, batch: config.grpc.batch.clone() };
        let dispatcher = Dispatcher::new(config.dispatch, draining.clone());
        let desk = Desk::new(settings, routes, Arc::clone(&admission), dispatcher, metrics.pushes.clone());
        let service = Service { desk: Arc::new(desk), max_batch_streams: config.grpc.max_batch_streams };

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
        tokio::spawn(certificates.watch(stop.clone()));
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
    let incoming = accept::pausing(incoming(listener));
    let server = tokio::spawn(async move {
        if let Err(error) = router.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await {
            tracing::error!(%error, "the gRPC listener has ended");
        }
    });
    Ok((health, server))
}
