//! A sender to FCM, with an access token from the token endpoint, over HTTP/2.

use bytes::Bytes;
use http::Request;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::client::{Client, Reply, tls_at};
use crate::{ServiceAccount, Simulator};

pub(super) const PROJECT: &str = "demo-project";
pub(super) const OTHER: &str = "other-project";
pub(super) const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

pub(super) struct Sender {
    pub(super) client: Client,
    pub(super) token: String,
}

/// Connects to FCM and the token endpoint.
pub(super) async fn connect(simulator: &Simulator) -> Client {
    let tls = tls_at(simulator, simulator.fcm().address(), b"h2", None).await.unwrap();
    Client::over(tls, None).await
}

/// Returns the claims of a good assertion.
pub(super) fn claims(simulator: &Simulator, account: &ServiceAccount) -> Value {
    let now = simulator.clock().now_s();
    json!({
        "iss": account.client_email, "scope": SCOPE, "aud": account.token_uri,
        "iat": now, "exp": now + 3600,
    })
}

pub(super) fn sign(account: &ServiceAccount, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(account.private_key_id.clone());
    let key = EncodingKey::from_rsa_pem(account.private_key_pem.as_bytes()).unwrap();
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

/// Asks the token endpoint.
pub(super) async fn ask(client: &mut Client, fields: &[(&str, &str)]) -> Reply {
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post("https://localhost/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(())
        .unwrap();
    client.push_request(request, &form).await.unwrap()
}

pub(super) async fn ask_with_jwt(client: &mut Client, jwt: &str) -> Reply {
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    ask(client, &[grant, ("assertion", jwt)]).await
}

impl Sender {
    /// Makes a sender whose service account may send for the first project.
    pub(super) async fn new(simulator: &Simulator) -> Self {
        let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
        let mut client = connect(simulator).await;
        let reply = ask_with_jwt(&mut client, &sign(&account, &claims(simulator, &account))).await;
        assert_eq!(reply.status, 200);
        let token = reply.json()["access_token"].as_str().unwrap().to_owned();
        Self { client, token }
    }

    pub(super) fn request(&self, project: &str) -> Request<()> {
        Request::post(format!("https://localhost/v1/projects/{project}/messages:send"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(())
            .unwrap()
    }

    pub(super) async fn post(&mut self, project: &str, body: &str) -> Reply {
        let request = self.request(project);
        self.client.push_request(request, body).await.unwrap()
    }

    /// Sends a message to the first project.
    pub(super) async fn send(&mut self, message: &Value) -> Reply {
        self.post(PROJECT, &json!({ "message": message }).to_string()).await
    }

    pub(super) async fn send_to(&mut self, token: &str) -> Reply {
        self.send(&json!({ "token": token, "notification": { "title": "Hello" } })).await
    }
}

/// Returns the detail of an error by the last part of its type.
pub(super) fn detail(reply: &Reply, kind: &str) -> Option<Value> {
    let body: Value = serde_json::from_slice::<Value>(&Bytes::clone(&reply.body)).ok()?;
    let details = body["error"]["details"].as_array()?.clone();
    details.into_iter().find(|detail| detail["@type"].as_str().unwrap().ends_with(&format!(".{kind}")))
}

pub(super) fn code(reply: &Reply) -> Option<String> {
    detail(reply, "FcmError").map(|detail| detail["errorCode"].as_str().unwrap().to_owned())
}
