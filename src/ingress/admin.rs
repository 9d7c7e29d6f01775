//! Answers the operator's questions on a listener of its own: whether the gateway is alive, whether it is ready, and
//! every metric. The first two may be asked by anybody, and name no app. The rest may be read where the listener is on
//! loopback, and elsewhere by callers that may.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};

use super::peer::Peer;
use crate::caller::{Caller, Callers, Unknown};
use crate::desk::Admission;
use crate::listener::{Connection, ListenerSettings};
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
    /// Who may read more than health; none where everybody may, since the listener is on loopback.
    pub readers: Option<Arc<Callers>>,
}

/// Answers `/healthz` as long as the process runs, `/readyz` by whether it takes pushes, and `/metrics`.
pub(crate) fn router(admin: Admin) -> Router {
    let guarded = Router::new()
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn_with_state(admin.clone(), guard));
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .merge(guarded)
        .with_state(admin)
}

/// The same for the calls of one connection.
pub(crate) fn of_connection(router: &Router, connection: &Arc<Connection>) -> Router {
    router.clone().layer(Extension(Arc::new(Peer::new(connection))))
}

/// Lets only those on who may read what operators read.
async fn guard(
    State(admin): State<Admin>,
    Extension(peer): Extension<Arc<Peer>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(callers) = &admin.readers else { return next.run(request).await };
    match find(callers, &peer, request.headers()).await {
        Ok(caller) => match caller.may_read_admin() {
            Ok(()) => next.run(request).await,
            Err(denied) => {
                caller.note(denied, "");
                (StatusCode::FORBIDDEN, format!("{denied}\n")).into_response()
            }
        },
        Err(unknown) => {
            callers.note_unknown(&unknown, peer.address());
            // Source: RFC 6750, section 3.
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, challenge, format!("{unknown}\n")).into_response()
        }
    }
}

async fn find(callers: &Callers, peer: &Peer, headers: &HeaderMap) -> Result<Caller, Unknown> {
    let (shown, now) = (peer.shows(headers)?, SystemTime::now());
    match callers.find(&shown, now) {
        Err(unknown) if unknown.may_be_mended_by_a_fetch() => callers.find_after_fetch(&shown, now).await,
        found => found,
    }
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
