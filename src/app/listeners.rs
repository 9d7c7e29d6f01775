//! The listeners: gRPC and HTTP for callers, and HTTP for those who operate the gateway.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::RootCertStore;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use super::StartError;
use crate::caller::{CallerSettings, Callers};
use crate::held_bytes::BytesBudget;
use crate::ingress::admin::{self, Admin};
use crate::ingress::grpc::{
    Authenticate, BoundedMetadata, ConnectInfo, CountRefused, Gate, GrpcSettings, HealthChecks, OfConnection,
    Service, Traced,
};
use crate::ingress::health::Health;
use crate::ingress::http::{self, Http, HttpSettings};
use crate::listener::{Accepting, AgeSettings, Draining, Listener, ListenerSettings, Protocol};
use crate::metrics::{ListenersMetrics, Metrics};
use crate::proto::{self, server::push_service_server::PushServiceServer};

/// How many descriptors the admin listener keeps back: its clients are few, and each needs one for a moment.
const ADMIN_SPARES: usize = 4;

/// Binds an address that the configuration names under `key`.
pub(super) async fn listen(key: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { key: key.to_owned(), address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// The authorities that vouch for callers.
pub(super) fn authorities(callers: &[CallerSettings]) -> Vec<Arc<RootCertStore>> {
    let certificates = callers.iter().filter_map(|caller| caller.certificate.as_ref());
    certificates.map(|certificate| Arc::clone(certificate.roots())).collect()
}

/// Returns the future that serves gRPC until `stop`, and then until its connections have ended.
#[expect(clippy::too_many_arguments, reason = "each is a part that is made once, in one place")]
pub(super) fn grpc(
    settings: GrpcSettings,
    service: Service,
    callers: Arc<Callers>,
    budget: Arc<BytesBudget>,
    socket: TcpListener,
    accepting: Accepting,
    health: watch::Receiver<Health>,
    metrics: &Metrics,
    stop: CancellationToken,
) -> Result<impl Future<Output = ()> + use<>, StartError> {
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let max_message_bytes = settings.max_message_bytes;
    let routes = Routes::new(HealthChecks::server(health))
        .add_service(reflection().build_v1()?)
        // grpcurl before 1.9 and grpcio ask for this version.
        .add_service(reflection().build_v1alpha()?)
        .add_service(PushServiceServer::new(service).max_decoding_message_size(max_message_bytes))
        .prepare();
    let gate = Gate::new(routes, &settings);
    let service = BoundedMetadata::before(Authenticate::new(callers, Traced::before(gate)));
    let service = CountRefused::before(service, metrics.calls.clone());
    let (max_bytes, max_waiting) = (settings.max_connection_bytes, settings.max_waiting_calls());
    let mut limits = settings.listener;
    limits.own_stall_timeout = settings.batch.reader_stall_timeout;
    limits.age =
        Some(AgeSettings { most: settings.max_connection_age, grace: settings.max_connection_age_grace });
    let listener = Listener {
        name: "grpc".into(),
        socket,
        settings: limits,
        protocol: Protocol::Http2(settings.http2),
        spare_descriptors: 0,
        accepting,
        // Its callers have GOAWAY.
        draining: Draining::default(),
        metrics: metrics.listeners.listener("grpc"),
    };
    let of_connection = move |connection: &Arc<_>| {
        OfConnection::new(service.clone(), ConnectInfo::new(connection, &budget, max_bytes, max_waiting))
    };
    Ok(listener.serve(of_connection, stop))
}

/// Returns the future that serves the ingresses of an HTTP listener until `stop`, and then until its connections have ended.
#[expect(clippy::too_many_arguments, reason = "each is a part that is made once, in one place")]
pub(super) fn http(
    http: Arc<Http>,
    name: &str,
    settings: HttpSettings,
    socket: TcpListener,
    accepting: Accepting,
    draining: Draining,
    metrics: &ListenersMetrics,
    stop: CancellationToken,
) -> impl Future<Output = ()> + use<> {
    let listener = Listener {
        name: name.into(),
        socket,
        settings: settings.listener,
        protocol: Protocol::Either(settings.http2),
        spare_descriptors: 0,
        accepting,
        draining,
        metrics: metrics.listener(name),
    };
    listener.serve(move |connection: &Arc<_>| http::of_connection(&http, connection), stop)
}

/// Serves health and metrics until `stop`.
pub(super) async fn admin(
    state: Admin,
    settings: ListenerSettings,
    socket: TcpListener,
    stop: CancellationToken,
) {
    let listener = Listener {
        name: "admin".into(),
        socket,
        settings,
        protocol: Protocol::Http1,
        spare_descriptors: ADMIN_SPARES,
        accepting: Accepting::default(),
        // Probes go on until it ends, which it does last.
        draining: Draining::default(),
        metrics: state.metrics.listeners.listener("admin"),
    };
    let router = admin::router(state);
    listener.serve(move |connection: &Arc<_>| admin::of_connection(&router, connection), stop).await;
}
