//! The naive sender: what most people have. A pooled HTTP client over HTTP/2 (hyper's, with rustls, as reqwest is made of), a timeout,
//! and three retries with growing waits after connection errors, timeouts, 429 and 5xx. Beside that it has what many forget: its
//! client sends PINGs, and repeats what it could not begin to write.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fanfare_simulator::ProviderKey;
use futures_util::StreamExt;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::time::{sleep, timeout};
use tower_service::Service;

use super::books::Claim;
use super::limits::{ANSWER_TIMEOUT, FIRST_RETRY, IN_FLIGHT, PING_AFTER, PING_TIMEOUT, RETRIES};
use super::live::Live;
use super::push_service::{Addresses, NAME, PushService};
use super::pushes::{PlannedPush, paced};
use crate::cli::demo::plan::TOPIC;

type HttpClient = Client<HttpsConnector<HttpConnector<Addresses>>, Full<Bytes>>;

/// A client of APNs.
struct Naive {
    client: HttpClient,
    provider_token: String,
}

/// Sends the pushes, and says of each what its sender believes.
pub(super) async fn send(
    service: &PushService,
    count: u32,
    live: &Live,
) -> anyhow::Result<Vec<(PlannedPush, Claim)>> {
    let naive =
        Naive { client: client(service)?, provider_token: provider_token(service.simulator.provider_key())? };
    let naive = &naive;
    let sending = paced(count).map(|push| async move {
        let claim = naive.send(push).await;
        live.settled();
        (push, claim)
    });
    Ok(sending.buffer_unordered(IN_FLIGHT).collect().await)
}

impl Naive {
    /// Sends a push, and sends it again while that may help.
    async fn send(&self, push: PlannedPush) -> Claim {
        let mut wait = FIRST_RETRY;
        for _ in 0..RETRIES {
            if let Some(claim) = self.attempt(push).await {
                return claim;
            }
            sleep(wait).await;
            wait *= 2;
        }
        self.attempt(push).await.unwrap_or(Claim::Failed)
    }

    /// `None` says that another attempt may help.
    async fn attempt(&self, push: PlannedPush) -> Option<Claim> {
        // That the request cannot be built is not seen: it is made of letters and digits.
        let exchange = async {
            let answer = self.client.request(self.request(push).ok()?).await.ok()?;
            let status = answer.status();
            answer.into_body().collect().await.ok()?;
            Some(status)
        };
        match timeout(ANSWER_TIMEOUT, exchange).await.ok().flatten()? {
            StatusCode::OK => Some(Claim::Accepted),
            StatusCode::TOO_MANY_REQUESTS => None,
            status if status.is_server_error() => None,
            _ => Some(Claim::Failed),
        }
    }

    fn request(&self, push: PlannedPush) -> http::Result<Request<Full<Bytes>>> {
        let payload = json!({ "aps": { "alert": { "title": "Fanfare", "body": push.text() } } });
        Request::post(format!("https://{NAME}/3/device/{}", push.device_token()))
            .header("authorization", &self.provider_token)
            .header("apns-id", push.id().to_string())
            .header("apns-topic", TOPIC)
            .header("apns-push-type", "alert")
            .header("apns-priority", "10")
            .body(Full::from(payload.to_string()))
    }
}

fn client(service: &PushService) -> anyhow::Result<HttpClient> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(service.simulator.ca_pem().as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new_with_resolver(service.addresses());
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(ANSWER_TIMEOUT));
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http2().wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_only(true)
        .http2_keep_alive_interval(PING_AFTER)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .build(connector))
}

/// A provider token as APNs asks for it. Source: Apple, "Establishing a token-based connection to APNs".
fn provider_token(key: &ProviderKey) -> anyhow::Result<String> {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(key.key_id.clone());
    let issued = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({ "iss": key.team_id, "iat": issued });
    let signing = EncodingKey::from_ec_pem(key.private_key_pem.as_bytes())?;
    Ok(format!("bearer {}", jsonwebtoken::encode(&header, &claims, &signing)?))
}

/// The look-up of the name, as hyper's client asks for it.
impl Service<Name> for Addresses {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(self.look_up().into_iter()))
    }
}
