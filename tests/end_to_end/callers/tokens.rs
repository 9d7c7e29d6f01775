//! Callers that show tokens, to a whole gateway.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanfare::caller::TokenRule;
use fanfare::caller::jwt::{IssuerSettings, JwksSource, KeySet, SigningAlgorithm};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic_types::StatusExt;

use super::*;
use crate::harness::{good, pass, until};
use crate::http;

const ISSUER: &str = "https://issuer.example";

/// A key that signs tokens.
struct Signer(EncodingKey);

impl Signer {
    fn new() -> Self {
        let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
        Self(EncodingKey::from_ec_pem(pem.as_bytes()).unwrap())
    }

    fn jwks(&self) -> String {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.0, Algorithm::ES256).unwrap()).unwrap();
        jwk["kid"] = "first".into();
        json!({ "keys": [jwk] }).to_string()
    }

    fn token(&self, kid: &str, claims: &Value) -> String {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.0).unwrap()
    }
}

/// Seconds since the Unix epoch, so many from now.
fn from_now(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    now.cast_signed() + seconds
}

/// Good claims of the caller, that expire so many seconds from now.
fn claims(expires: i64) -> Value {
    json!({ "iss": ISSUER, "aud": "fanfare", "sub": "ci-runner", "exp": from_now(expires) })
}

/// The same with one of them changed.
fn changed(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims(600);
    claims[name] = value.into();
    claims
}

/// One caller, by the tokens of an issuer with this key.
fn known_by_tokens(signer: &Signer) -> (CallerSettings, IssuerSettings) {
    let mut ci = known("ci");
    ci.settings.keys.clear();
    ci.settings.token = Some(TokenRule { issuer: "corp".to_owned(), name: "ci-runner".to_owned() });
    let algorithms = SigningAlgorithm::DEFAULT.to_vec();
    let keys = KeySet::parse(signer.jwks().as_bytes(), &algorithms).unwrap();
    let issuer = IssuerSettings {
        name: "corp".into(),
        issuer: ISSUER.to_owned(),
        audiences: vec!["fanfare".to_owned()],
        algorithms,
        claim: IssuerSettings::CLAIM.to_owned(),
        jwks: JwksSource::File(keys.into()),
    };
    (ci.settings, issuer)
}

/// A gateway that knows this caller.
async fn gateway_of(signer: &Signer) -> World {
    let (caller, issuer) = known_by_tokens(signer);
    world_with(vec![caller], vec![issuer]).await
}

#[tokio::test]
async fn a_token_is_good_over_plain_http_too_and_also_as_a_password() {
    let (signer, foreign) = (Signer::new(), Signer::new());
    let (caller, issuer) = known_by_tokens(&signer);
    let with_http = |config: &mut Config| {
        (config.callers, config.issuers) = (vec![caller], vec![issuer]);
        config.http.push(http::listener());
    };
    let world = World::with(|builder| builder, with_http).await;
    for (signer, kid, is_good) in
        [(&signer, "first", true), (&signer, "second", false), (&foreign, "first", false)]
    {
        let token = signer.token(kid, &claims(600));
        let basic = STANDARD.encode(format!("ci:{token}"));
        for shown in [format!("Bearer {token}"), format!("Basic {basic}")] {
            let line = format!("authorization: {shown}\r\n");
            let status = http::status(&world, http::SEND_PUSH, &line).await;
            assert_eq!((http::is_taken(status), status == 401), (is_good, !is_good), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_good_token_is_its_callers_and_a_bad_one_is_nobodys() {
    let (signer, foreign) = (Signer::new(), Signer::new());
    let world = gateway_of(&signer).await;
    for good_token in [claims(600), claims(-30), changed("aud", json!(["other", "fanfare"]))] {
        let client = client(&world, &signer.token("first", &good_token)).await;
        let result = send(&client, Rpc::SendPush, push(&good(1))).await.unwrap();
        assert_eq!(result.outcome(), Outcome::Accepted, "{good_token}");
        let other = proto::Push { app: NEWS.to_owned(), ..push(&good(1)) };
        assert!(is_not_permitted(&send(&client, Rpc::SendPush, other).await.unwrap()));
    }
    // Base64url of {"alg":"none"}, of the good claims, and no signature.
    let unsigned = signer.token("first", &claims(600));
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", unsigned.split('.').nth(1).unwrap());
    for (bad, why) in [
        (signer.token("first", &claims(-90)), "expired"),
        (signer.token("first", &changed("nbf", from_now(90))), "nbf"),
        (signer.token("first", &changed("iss", "https://other.example")), "iss"),
        (signer.token("first", &changed("aud", "others")), "aud"),
        (signer.token("first", &changed("sub", "somebody")), "belongs to no caller"),
        (signer.token("first", &changed("sub", 7)), "sub"),
        (foreign.token("first", &claims(600)), "signature"),
        (signer.token("second", &claims(600)), "kid"),
        (unsigned, "none"),
    ] {
        let client = client(&world, &bad).await;
        for rpc in [Rpc::SendPush, Rpc::SendPushes, Rpc::SendBatch] {
            let refused = send(&client, rpc, push(&good(1))).await.unwrap_err();
            assert_eq!(refused.code(), Code::Unauthenticated, "{why}: {refused:?}");
            assert!(
                refused.message().contains(why) && !refused.message().contains(&bad),
                "{why}: {refused:?}"
            );
        }
    }
    assert_eq!(
        crate::harness::metric(&world.gateway, "fanfare_unknown_callers_total{shown=\"token\"} "),
        27.0
    );
    for rpc in ["SendPush", "SendPushes", "SendBatch"] {
        let line = format!("fanfare_grpc_calls_refused_total{{rpc=\"{rpc}\",code=\"UNAUTHENTICATED\"}} ");
        assert_eq!(crate::harness::metric(&world.gateway, &line), 9.0, "{rpc}");
    }
}

#[tokio::test]
async fn a_batch_ends_a_minute_after_its_token_expired_and_what_was_read_has_its_verdict() {
    let signer = Signer::new();
    let world = gateway_of(&signer).await;
    let client = client(&world, &signer.token("first", &claims(600))).await;
    let (to, requests) = mpsc::channel(1);
    let mut answers = client.clone().send_batch(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let one = || proto::SendBatchRequest { pushes: vec![push(&good(1))], ..Default::default() };
    to.send(one()).await.unwrap();
    let first = answers.message().await.unwrap().unwrap();
    assert_eq!(first.results[0].outcome(), Outcome::Accepted);

    // Half a minute after it expired the stream still goes on.
    pass(Duration::from_secs(630)).await;
    to.send(one()).await.unwrap();
    let mut last = answers.message().await.unwrap().unwrap();
    while last.results.is_empty() {
        last = answers.message().await.unwrap().unwrap();
    }
    assert_eq!(last.results[0].outcome(), Outcome::Accepted);

    pass(Duration::from_secs(40)).await;
    let status = loop {
        match answers.message().await {
            Ok(Some(message)) => last = message,
            Ok(None) => panic!("the stream ends with a status"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.get_details_error_info().unwrap().reason, "CALLER_UNKNOWN");
    assert_eq!(last.progress.unwrap().items_read, 2);
    until(|| crate::harness::metric(&world.gateway, "fanfare_batch_streams ") == 0.0).await;
}
