//! Answers the operator's questions on a listener of its own: whether the gateway is alive, whether it is ready, and
//! every metric.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::desk::Admission;
use crate::listener::ListenerSettings;
use crate::metrics::Metrics;

/// The admin listener.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// Where it listens, and who may connect.
    pub listener: ListenerSettings,
}

impl Default for AdminSettings {
    fn default() -> Self {
        let listener = ListenerSettings::on(SocketAddr::from(([127, 0, 0, 1], 9464)));
        // Monitoring asks from a few places, each some times a minute.
        Self {
            listener: ListenerSettings {
                max_connections: 64,
                idle_timeout: Duration::from_secs(60),
                ..listener
            },
        }
    }
}

/// What the answers are made of.
#[derive(Clone)]
pub(crate) struct Admin {
    /// Every metric.
    pub metrics: Arc<Metrics>,
    /// Knows how many pushes are in flight, and whether more are taken.
    pub admission: Arc<Admission>,
}

/// Answers `/healthz` as long as the process runs, `/readyz` by whether it takes pushes, and `/metrics`.
pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

async fn readyz(State(admin): State<Admin>) -> impl IntoResponse {
    if admin.admission.is_draining() {
        let left = admin.admission.in_flight();
        return (StatusCode::SERVICE_UNAVAILABLE, format!("draining: {left} pushes in flight\n"));
    }
    (StatusCode::OK, "ready\n".to_owned())
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], admin.metrics.page())
}
