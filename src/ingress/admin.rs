//! Answers the operator's questions on a listener of its own: whether the gateway is alive, whether it is ready, and
//! every metric. The first two may be asked by anybody, and name an app only where the listener is on loopback. The rest may be read where the listener is on
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

use super::client::Client;
use crate::caller::{Caller, Callers, Unknown};
use crate::credential::Standings;
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
    /// Which credentials are refused.
    pub standings: Arc<Standings>,
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

async fn readyz(State(admin): State<Admin>) -> impl IntoResponse {
    if admin.admission.is_draining() {
        let left = admin.admission.in_flight();
        return (StatusCode::SERVICE_UNAVAILABLE, format!("draining: {left} pushes in flight\n"));
    }
    let (shut, apps) = admin.standings.shut();
    let mut said = "ready\n".to_owned();
    if shut > 0 {
        said.push_str(&format!("credentials refused: {shut}\n"));
    }
    // Off loopback anybody may ask, so no app is named.
    if admin.readers.is_none() {
        for app in apps {
            said.push_str(&format!("app {app}: a credential is refused\n"));
        }
    }
    (StatusCode::OK, said)
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], admin.metrics.page())
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use prometheus_client::metrics::gauge::Gauge;
    use tower_service::Service;

    use super::*;
    use crate::caller::jwt::Tokens;
    use crate::caller::{CallerKey, CallerSettings, Permissions};
    use crate::credential::RefusingAnswer;
    use crate::held_bytes::BytesBudget;
    use crate::push::AppId;

    /// An admin listener off loopback, and the key of a caller that may read it, and of one that may not.
    fn off_loopback() -> (Router, CallerKey, CallerKey) {
        let metrics = Arc::new(Metrics::default());
        let (reader, other) = (CallerKey::generate().unwrap(), CallerKey::generate().unwrap());
        let caller = |name: &str, key: &CallerKey, admin| CallerSettings {
            name: name.to_owned(),
            permissions: Permissions { admin, ..Permissions::everything() },
            keys: vec![key.digest()],
            certificate: None,
            token: None,
            anonymous: false,
        };
        let callers = vec![caller("prometheus", &reader, true), caller("orders", &other, false)];
        let budget = BytesBudget::new(1024);
        let callers = Callers::new(callers, Arc::<Tokens>::default(), budget, metrics.callers.clone());
        let admission = Arc::new(Admission::new(1, Gauge::default()));
        let standings = Arc::new(Standings::new(metrics.credentials.clone()));
        let router = router(Admin { metrics, admission, standings, readers: Some(Arc::new(callers)) });
        let connection = Connection::new(SocketAddr::from(([192, 0, 2, 1], 9)), Vec::new());
        (of_connection(&router, &Arc::new(connection)), reader, other)
    }

    async fn get(router: &Router, path: &str, authorization: Option<String>) -> (StatusCode, String) {
        let mut request = Request::builder().uri(path);
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let answer = router.clone().call(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_counts_refused_credentials_and_names_their_apps_only_on_loopback() {
        let metrics = Arc::new(Metrics::default());
        let standings = Arc::new(Standings::new(metrics.credentials.clone()));
        let standing = standings.of_certificate("00ff", "apns production");
        let app = Arc::new(AppId::parse("shop").unwrap());
        standing.shown_by(Arc::downgrade(&app));
        standing.shut(RefusingAnswer {
            status: Some(403),
            reason: "Forbidden".into(),
            detail: String::new(),
        });
        let connection = Arc::new(Connection::new(SocketAddr::from(([127, 0, 0, 1], 9)), Vec::new()));
        let budget = BytesBudget::new(1024);
        let callers = Callers::new(Vec::new(), Arc::<Tokens>::default(), budget, metrics.callers.clone());
        let off_loopback = Some(Arc::new(callers));
        let counted = "ready\ncredentials refused: 1\n";
        let named = format!("{counted}app shop: a credential is refused\n");
        for (readers, expected) in [(None, named.as_str()), (off_loopback, counted)] {
            let admission = Arc::new(Admission::new(1, Gauge::default()));
            let (metrics, standings) = (Arc::clone(&metrics), Arc::clone(&standings));
            let router = router(Admin { metrics, admission, standings, readers });
            let (status, body) = get(&of_connection(&router, &connection), "/readyz", None).await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, expected));
        }
    }

    #[tokio::test]
    async fn off_loopback_health_is_for_all_and_the_rest_for_callers_that_may() {
        use secrecy::ExposeSecret;

        let (router, reader, other) = off_loopback();
        let bearer = |key: &CallerKey| Some(format!("Bearer {}", key.expose_secret()));
        for path in ["/healthz", "/readyz"] {
            assert_eq!(get(&router, path, None).await.0, StatusCode::OK, "{path}");
        }
        assert_eq!(get(&router, "/metrics", None).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(
            get(&router, "/metrics", bearer(&CallerKey::generate().unwrap())).await.0,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(get(&router, "/metrics", Some("Basic YTpi".to_owned())).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(get(&router, "/metrics", bearer(&other)).await.0, StatusCode::FORBIDDEN);
        let (status, page) = get(&router, "/metrics", bearer(&reader)).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("fanfare_caller_refusals_total{caller=\"orders\",rule=\"admin\"} 1"), "{page}");
        assert!(page.contains("fanfare_unknown_callers_total{shown=\"nothing_shown\"} 1"), "{page}");
        for path in ["/metrics/", "//metrics", "/METRICS", "/other"] {
            // What is not there is guarded as well, so that nothing is told of what is.
            assert_eq!(get(&router, path, None).await.0, StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(get(&router, path, bearer(&reader)).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
