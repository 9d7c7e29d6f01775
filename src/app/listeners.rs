//! The listeners: gRPC for callers, and HTTP for those who operate the gateway.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tonic_health::server::HealthReporter;

use super::StartError;
use super::accept;
use crate::held_bytes::BytesBudget;
use crate::ingress::admin::{self, Admin};
use crate::ingress::grpc::{Gate, GrpcSettings, Service, incoming};
use crate::proto::{self, server::push_service_server::PushServiceServer};

/// Binds an address that the configuration names under `key`.
pub(super) async fn listen(
    key: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { key, address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Returns the health reporter, and the future that serves gRPC until `stop`.
pub(super) async fn grpc(
    settings: &GrpcSettings,
    service: Service,
    budget: Arc<BytesBudget>,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(HealthReporter, impl Future<Output = ()> + use<>), StartError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<PushServiceServer<Service>>().await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let push_service = PushServiceServer::new(service).max_decoding_message_size(settings.max_message_bytes);
    let gated = settings.clone();
    let router = tonic::transport::Server::builder()
        .layer(tower_layer::layer_fn(move |routes| Gate::new(routes, &gated)))
        .initial_stream_window_size(settings.stream_window)
        .initial_connection_window_size(settings.connection_window)
        .max_concurrent_streams(settings.max_concurrent_streams)
        .http2_keepalive_interval(Some(settings.keepalive_interval))
        .http2_keepalive_timeout(Some(settings.keepalive_timeout))
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        // grpcurl before 1.9 and grpcio ask for this version.
        .add_service(reflection().build_v1alpha()?)
        .add_service(push_service);
    let max_bytes = settings.max_connection_bytes;
    let incoming = incoming(listener).map(move |accepted| Ok(accepted?.holding(&budget, max_bytes)));
    let incoming = accept::pausing(incoming);
    let serving = async move {
        if let Err(error) = router.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await {
            tracing::error!(%error, "the gRPC listener has ended");
        }
    };
    Ok((health, serving))
}

/// Tells callers that they are to go elsewhere.
pub(super) async fn tell_not_serving(health: &HealthReporter) {
    health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    health.set_not_serving::<PushServiceServer<Service>>().await;
}

/// Serves health and metrics until `stop`.
pub(super) async fn admin(state: Admin, listener: TcpListener, stop: CancellationToken) {
    let serving = axum::serve(listener, admin::router(state));
    if let Err(error) = serving.with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%error, "the admin listener has ended");
    }
}
