//! Verifies signatures of the Standard Webhooks specification by a hash and RFC 2104 alone, without the library that made them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use sha2::{Digest, Sha256};

/// The secret of receivers.
pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Another, which replaces it.
pub(super) const NEWER: &str = "whsec_c3VwZXIgc2VjcmV0IHNpZ25pbmcga2V5IG9mIGE=";

/// How many signatures a request has, of which one is good.
pub(super) fn verified(secret: &str, headers: &HeaderMap, body: &[u8]) -> usize {
    let text = |name: &str| headers[name].to_str().unwrap();
    let (id, timestamp) = (text("webhook-id"), text("webhook-timestamp"));
    assert!(id.starts_with("msg_") && !id.contains('.'), "{id}");
    let sent: u64 = timestamp.parse().unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    // The reference libraries allow five minutes.
    assert!(sent.abs_diff(now) < 300, "{sent} {now}");
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    let expected = format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &message)));
    let signatures: Vec<_> = text("webhook-signature").split(' ').collect();
    assert!(signatures.contains(&&*expected), "{signatures:?} {expected}");
    signatures.len()
}

/// Source: RFC 2104, section 2. The key is shorter than a block.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(place, key)| *place ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}
