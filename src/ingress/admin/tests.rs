//! What the admin listener tells, and to whom.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::{Body, to_bytes};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::super::health::Trouble;
use super::*;
use crate::caller::jwt::Tokens;
use crate::caller::{CallerKey, CallerSettings, Permissions};
use crate::held_bytes::BytesBudget;
use crate::push::AppId;
use crate::status::{AppStatus, BatchesStatus, Series, Status};

/// An app that fails.
fn status() -> Status {
    let now = SystemTime::UNIX_EPOCH;
    let app = AppStatus {
        app: "shop".to_owned(),
        provider: "apns".into(),
        health: AppHealth::Failing,
        sentence: "APNs refuses it.".to_owned(),
        fault: None,
        since: now,
        remedy: "Mend it.".to_owned(),
        also: Vec::new(),
        last_minute: BTreeMap::new(),
    };
    Status {
        now,
        since: now,
        version: "".into(),
        ready: true,
        not_ready: None,
        in_flight: 0,
        max_in_flight: 1,
        batches: BatchesStatus::default(),
        apps: vec![app],
        peers: Vec::new(),
        peers_left_out: 0,
        paces: Vec::new(),
        credentials: Vec::new(),
        callers: Vec::new(),
        feeds: Vec::new(),
        problems: Vec::new(),
        series: Series::default(),
    }
}

/// What the answers are made of where an app is in trouble.
fn admin(readers: Option<Callers>) -> Admin {
    let troubles = BTreeSet::from([Trouble::CredentialRefused, Trouble::CertificateEnds]);
    let apps = [(AppId::parse("shop").unwrap(), troubles)].into();
    Admin {
        metrics: Arc::default(),
        admission: Arc::new(Admission::new(1, Arc::default())),
        health: watch::channel(Health { draining: false, refused: 1, apps }).1,
        accepting: vec![Accepting::default()],
        status: StatusSource::new(status, CancellationToken::new()),
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

/// The status of an answer whose body may have no end.
async fn get_head(router: &Router, path: &str, authorization: Option<String>) -> StatusCode {
    ask(router, path, authorization).await.status()
}

async fn ask(router: &Router, path: &str, authorization: Option<String>) -> Response {
    let mut request = Request::builder().uri(path);
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    router.clone().call(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn get(router: &Router, path: &str, authorization: Option<String>) -> (StatusCode, String) {
    let answer = ask(router, path, authorization).await;
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn readiness_counts_refused_credentials_and_names_their_apps_to_those_who_may_read() {
    let (router, reader, other) = off_loopback();
    let counted = "ready\ncredentials refused: 1\n";
    let named = format!(
        "{counted}app shop: a credential is refused\napp shop: a client certificate ends within 30 days\n\
         shop, apns: APNs refuses it. Mend it.\n"
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
    for path in ["/healthz", "/readyz", "/"] {
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
    for path in ["/status", "/status/events"] {
        assert_eq!(get_head(&router, path, None).await, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(get_head(&router, path, bearer(&other)).await, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(get_head(&router, path, bearer(&reader)).await, StatusCode::OK, "{path}");
    }
    for path in ["/metrics/", "//metrics", "/METRICS", "/other"] {
        // What is not there is guarded as well, so that nothing is told of what is.
        assert_eq!(get(&router, path, None).await.0, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(get(&router, path, bearer(&reader)).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}
