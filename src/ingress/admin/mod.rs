//! Answers the operator's questions on a listener of its own: whether the gateway is alive, whether it is ready, how
//! everything is, and every metric. The first two may be asked by anybody. The rest, and the names of apps, may be read where
//! the listener is on loopback, and elsewhere by callers that may. The page that shows the status knows nothing by itself, so
//! anybody may have it.

mod page;
mod status;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::sync::watch;

use super::client::Client;
use super::health::Health;
use crate::caller::{Caller, Callers, Unknown};
use crate::desk::Admission;
use crate::listener::{Accepting, Connection, ListenerSettings};
use crate::metrics::Metrics;
use crate::status::AppHealth;
pub(crate) use status::StatusSource;

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
    /// Knows how many pushes are in flight.
    pub admission: Arc<Admission>,
    /// How the gateway and its apps are.
    pub health: watch::Receiver<Health>,
    /// Whether callers can connect.
    pub accepting: Vec<Accepting>,
    /// Knows how everything is.
    pub status: StatusSource,
    /// Who may read more than health; none where everybody may, since the listener is on loopback.
    pub readers: Option<Arc<Callers>>,
}

/// Answers `/healthz` as long as the process runs, `/readyz` by whether it takes pushes, `/status` and `/metrics`; and `/` is
/// the page that shows the status.
pub(crate) fn router(admin: Admin) -> Router {
    let status = Router::new()
        .route("/status", get(status::status))
        .route("/status/events", get(status::events))
        .with_state(admin.status.clone());
    let guarded = Router::new()
        .merge(status)
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn_with_state(admin.clone(), guard));
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/", get(page::page))
        .merge(guarded)
        .with_state(admin)
}

/// The same for the calls of one connection.
pub(crate) fn of_connection(router: &Router, connection: &Arc<Connection>) -> Router {
    router.clone().layer(Extension(Arc::new(Client::new(connection))))
}

/// Lets only those on who may read what operators read.
async fn guard(
    State(admin): State<Admin>,
    Extension(client): Extension<Arc<Client>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(callers) = &admin.readers else { return next.run(request).await };
    match find(callers, &client, request.headers()).await {
        Ok(caller) => match caller.may_read_admin() {
            Ok(()) => next.run(request).await,
            Err(denied) => {
                caller.note(denied, "");
                (StatusCode::FORBIDDEN, format!("{denied}\n")).into_response()
            }
        },
        Err(unknown) => {
            callers.note_unknown(&unknown, client.address());
            // Source: RFC 6750, section 3.
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, challenge, format!("{unknown}\n")).into_response()
        }
    }
}

async fn find(callers: &Callers, client: &Client, headers: &HeaderMap) -> Result<Caller, Unknown> {
    let (shown, now) = (client.shows(headers)?, SystemTime::now());
    match callers.find(&shown, now) {
        Err(unknown) if unknown.may_be_mended_by_a_fetch() => callers.find_after_fetch(&shown, now).await,
        found => found,
    }
}

/// 503 only where this gateway cannot take calls: where it could not because of one app, that app would take all of them away
/// from every caller.
async fn readyz(
    State(admin): State<Admin>,
    Extension(client): Extension<Arc<Client>>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    let may_read = may_read_names(&admin, &client, &headers).await;
    let health = admin.health.borrow();
    let (status, mut said) = if health.draining {
        let left = admin.admission.in_flight();
        (StatusCode::SERVICE_UNAVAILABLE, format!("draining: {left} pushes in flight\n"))
    } else if !admin.accepting.iter().all(Accepting::is_possible) {
        let why = "no connection can be accepted: the process has no file descriptors left\n";
        (StatusCode::SERVICE_UNAVAILABLE, why.to_owned())
    } else {
        (StatusCode::OK, "ready\n".to_owned())
    };
    if health.refused > 0 {
        said.push_str(&format!("credentials refused: {}\n", health.refused));
    }
    if may_read {
        for (app, troubles) in &health.apps {
            said.extend(troubles.iter().map(|trouble| format!("app {app}: {trouble}\n")));
        }
        drop(health);
        for app in admin.status.look().apps.iter().filter(|app| app.health == AppHealth::Failing) {
            said.push_str(&format!("{}, {}: {} {}\n", app.app, app.provider, app.sentence, app.remedy));
        }
    }
    (status, said)
}

/// Whether who asks may read the names of apps. A probe that shows nothing is no stranger to be noted.
async fn may_read_names(admin: &Admin, client: &Client, headers: &HeaderMap) -> bool {
    let Some(callers) = &admin.readers else { return true };
    match find(callers, client, headers).await {
        Ok(caller) => caller.may_read_admin().is_ok(),
        Err(Unknown::NothingShown) => false,
        Err(unknown) => {
            callers.note_unknown(&unknown, client.address());
            false
        }
    }
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], admin.metrics.page())
}

#[cfg(test)]
mod tests;
