//! An application server that does one thing at a time wrong.

use std::time::Duration;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;

use super::client::{Client, Reply, tls_at};
use crate::{Simulator, Subscription, VapidKey, Vendor, WebPushScriptedOutcome};

pub(super) const CONTACT: &str = "mailto:ops@example.com";

/// How a body is encrypted. The default is correct.
pub(super) struct Sealing {
    pub(super) record_size: u32,
    /// The delimiter and the padding behind it.
    pub(super) end: Vec<u8>,
}

impl Default for Sealing {
    fn default() -> Self {
        Self { record_size: 4096, end: vec![2] }
    }
}

fn hmac(key: &[u8], data: &[&[u8]]) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, key), &data.concat()).as_ref().to_vec()
}

/// Encrypts as the sender of RFC 8291 does, written out as in its section 3.4, with HMAC alone.
pub(super) fn seal(to: &Subscription, plaintext: &[u8], how: &Sealing) -> Vec<u8> {
    let receiver = URL_SAFE_NO_PAD.decode(&to.p256dh).unwrap();
    let auth = URL_SAFE_NO_PAD.decode(&to.auth).unwrap();
    let own = PrivateKey::generate(&ECDH_P256).unwrap();
    let public = own.compute_public_key().unwrap();
    let peer = UnparsedPublicKey::new(&ECDH_P256, &receiver);
    let shared = agree(&own, peer, (), |shared| Ok(shared.to_vec())).unwrap();
    let salt = [7; 16];
    let key_material =
        hmac(&hmac(&auth, &[&shared]), &[b"WebPush: info\0", &receiver, public.as_ref(), &[1]]);
    let content = hmac(&salt, &[&key_material]);
    let key = hmac(&content, &[b"Content-Encoding: aes128gcm\0\x01"]);
    let nonce = hmac(&content, &[b"Content-Encoding: nonce\0\x01"]);
    let mut record = [plaintext, how.end.as_slice()].concat();
    LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).unwrap())
        .seal_in_place_append_tag(
            Nonce::try_assume_unique_for_key(&nonce[..12]).unwrap(),
            Aad::empty(),
            &mut record,
        )
        .unwrap();
    [&salt[..], &how.record_size.to_be_bytes(), &[65], public.as_ref(), &record].concat()
}

pub(super) struct Sender {
    pub(super) simulator: Simulator,
    pub(super) key: VapidKey,
    pub(super) client: Client,
}

impl Sender {
    pub(super) async fn start() -> Self {
        let simulator = Simulator::builder().keep_bodies(100).start().await.unwrap();
        let key = simulator.web_push().new_key().unwrap();
        let tls = tls_at(&simulator, simulator.web_push().address(), b"h2", None).await.unwrap();
        let client = Client::over(tls, None).await;
        Self { simulator, key, client }
    }

    pub(super) fn subscribe(&self, vendor: Vendor, outcome: WebPushScriptedOutcome) -> Subscription {
        self.simulator.web_push().subscribe(vendor, &self.key.public_key, outcome).unwrap()
    }

    pub(super) fn now_s(&self) -> u64 {
        self.simulator.clock().now_s()
    }

    pub(super) fn authorization(&self) -> String {
        let expires_s = self.now_s() + 12 * 60 * 60;
        self.key.authorization(&self.simulator.web_push().origin(), expires_s, Some(CONTACT)).unwrap()
    }

    /// Returns the headers of a correct message.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("authorization", self.authorization()),
            ("ttl", "60".to_owned()),
            ("content-encoding", "aes128gcm".to_owned()),
        ]
    }

    /// Returns the same headers with one of them replaced.
    pub(super) fn headers_with(&self, name: &'static str, value: &str) -> Vec<(&'static str, String)> {
        let mut headers = self.headers_without(name);
        headers.push((name, value.to_owned()));
        headers
    }

    pub(super) fn headers_without(&self, name: &str) -> Vec<(&'static str, String)> {
        self.headers().into_iter().filter(|(known, _)| *known != name).collect()
    }

    pub(super) async fn post(
        &mut self,
        path: &str,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> Reply {
        let mut request = Request::post(format!("https://localhost{path}"));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        self.client.push_request(request.body(()).unwrap(), body).await.unwrap()
    }

    /// Encrypts a text and posts it with these headers.
    pub(super) async fn send_with(
        &mut self,
        to: &Subscription,
        headers: &[(&'static str, String)],
        text: &str,
    ) -> Reply {
        let body = seal(to, text.as_bytes(), &Sealing::default());
        self.post(&to.path, headers, &body).await
    }

    pub(super) async fn send(&mut self, to: &Subscription, text: &str) -> Reply {
        let headers = self.headers();
        self.send_with(to, &headers, text).await
    }

    pub(super) fn advance(&self, by: Duration) {
        self.simulator.clock().advance(by);
    }

    /// Returns what a browser got.
    pub(super) fn got(&self, subscription: &Subscription) -> Vec<String> {
        let text = |plaintext: &[u8]| String::from_utf8(plaintext.to_vec()).unwrap();
        let delivered = self.simulator.web_push().delivered(subscription);
        delivered.iter().map(|message| text(&message.plaintext)).collect()
    }
}
