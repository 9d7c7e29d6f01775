//! Answers the operator's questions on a listener of its own: whether the gateway is alive, whether it is ready, and
//! every metric. The first two may be asked by anybody. The rest, and the names of apps, may be read where the listener is on
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
use tokio::sync::watch;

use super::client::Client;
use super::health::Health;
use crate::caller::{Caller, Callers, Unknown};
use crate::desk::Admission;
use crate::listener::{Accepting, Connection, ListenerSettings};
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
    /// Knows how many pushes are in flight.
    pub admission: Arc<Admission>,
    /// How the gateway and its apps are.
    pub health: watch::Receiver<Health>,
    /// Whether callers can connect.
    pub accepting: Vec<Accepting>,
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
mod tests {
    use std::collections::BTreeSet;

    use axum::body::{Body, to_bytes};
    use secrecy::ExposeSecret;
    use tower_service::Service;

    use super::super::health::Trouble;
    use super::*;
    use crate::caller::jwt::Tokens;
    use crate::caller::{CallerKey, CallerSettings, Permissions};
    use crate::held_bytes::BytesBudget;
    use crate::push::AppId;

    /// What the answers are made of where an app is in trouble.
    fn admin(readers: Option<Callers>) -> Admin {
        let troubles = BTreeSet::from([Trouble::CredentialRefused, Trouble::CertificateEnds]);
        let apps = [(AppId::parse("shop").unwrap(), troubles)].into();
        Admin {
            metrics: Arc::default(),
            admission: Arc::new(Admission::new(1, Arc::default())),
            health: watch::channel(Health { draining: false, refused: 1, apps }).1,
            accepting: vec![Accepting::default()],
            readers: readers.map(Arc::new),
        }
    }

    fn bearer(key: &CallerKey) -> Option<String> {
        Some(format!("Bearer {}", key.expose_secret()))
    }

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
        let router = router(Admin { metrics, ..admin(Some(callers)) });
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
    async fn readiness_counts_refused_credentials_and_names_their_apps_to_those_who_may_read() {
        let (router, reader, other) = off_loopback();
        let counted = "ready\ncredentials refused: 1\n";
        let named = format!(
            "{counted}app shop: a credential is refused\napp shop: a client certificate ends within 30 days\n"
        );
        let unknown = CallerKey::generate().unwrap();
        for (key, expected) in
            [(None, counted), (Some(&other), counted), (Some(&unknown), counted), (Some(&reader), &named)]
        {
            let (status, body) = get(&router, "/readyz", key.and_then(bearer)).await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, expected));
        }
        let connection = Arc::new(Connection::new(SocketAddr::from(([127, 0, 0, 1], 9)), Vec::new()));
        let on_loopback = of_connection(&super::router(admin(None)), &connection);
        assert_eq!(get(&on_loopback, "/readyz", None).await, (StatusCode::OK, named));
    }

    #[tokio::test]
    async fn off_loopback_health_is_for_all_and_the_rest_for_callers_that_may() {
        let (router, reader, other) = off_loopback();
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
