//! Decrypts what was encrypted for one subscription, written from the RFCs from the side of the receiver.
//!
//! Source: RFC 8188, 2 (the content coding); RFC 8291, 3 (its key) and 4 (what Web Push restricts).

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::rand;
use bytes::Bytes;

/// The bytes of an uncompressed point on P-256, and of the secret that authenticates who may send. Source: RFC 8291,
/// 3.1, 3.2.
pub(super) const PUBLIC_KEY_LEN: usize = 65;
const AUTH_LEN: usize = 16;

/// The head of the content coding consists of salt, record size and length of the key id. Source: RFC 8188, 2.1.
const SALT_LEN: usize = 16;
const RECORD_SIZE_LEN: usize = 4;
const HEAD_LEN: usize = SALT_LEN + RECORD_SIZE_LEN + 1;

/// The tag that AES-GCM appends to a record.
const TAG_LEN: usize = 16;

/// What a user agent keeps of a subscription to itself.
pub(super) struct UserAgent {
    private: PrivateKey,
    public: [u8; PUBLIC_KEY_LEN],
    auth: [u8; AUTH_LEN],
}

impl UserAgent {
    pub(super) fn new() -> Result<Self, Unspecified> {
        let mut auth = [0; AUTH_LEN];
        rand::fill(&mut auth)?;
        Self::with(PrivateKey::generate(&ECDH_P256)?, auth)
    }

    fn with(private: PrivateKey, auth: [u8; AUTH_LEN]) -> Result<Self, Unspecified> {
        let public = private.compute_public_key()?.as_ref().try_into().map_err(|_| Unspecified)?;
        Ok(Self { private, public, auth })
    }

    /// Returns what `PushSubscription.getKey("p256dh")` gives.
    pub(super) fn public(&self) -> &[u8] {
        &self.public
    }

    /// Returns what `PushSubscription.getKey("auth")` gives.
    pub(super) fn auth(&self) -> &[u8] {
        &self.auth
    }

    /// Returns the plaintext of a body, or why it has none.
    pub(super) fn decrypt(&self, body: &[u8]) -> Result<Bytes, &'static str> {
        let (head, rest) = body.split_at_checked(HEAD_LEN).ok_or("shorter than its own head")?;
        let (salt, head) = head.split_at_checked(SALT_LEN).ok_or("shorter than its own head")?;
        let [size @ .., id_len] = head else { return Err("shorter than its own head") };
        let record_size = size.iter().fold(0_usize, |size, byte| size << 8 | usize::from(*byte));
        if usize::from(*id_len) != PUBLIC_KEY_LEN {
            return Err("the key id is no public key");
        }
        let (sender, record) = rest.split_at_checked(PUBLIC_KEY_LEN).ok_or("the key id is cut")?;
        if record.len() <= TAG_LEN {
            return Err("an empty record");
        }
        // The record size must be "greater than the sum of the lengths of the plaintext, the padding delimiter, any
        // padding, and the authentication tag", so there is one record, and not a full one. Source: RFC 8291, 4.
        if record_size <= record.len() {
            return Err("more than one record");
        }
        let (key, nonce) = self.keys(sender, salt).map_err(|_| "no key can be agreed on")?;
        let mut record = record.to_vec();
        let decrypted = key
            .open_in_place(nonce, Aad::empty(), &mut record)
            .map_err(|_| "the record does not authenticate")?;
        // Padding is zeros behind the delimiter, which is 2 in a last record. Source: RFC 8188, 2.
        let end = decrypted.iter().rposition(|byte| *byte != 0).ok_or("a record without a delimiter")?;
        match decrypted.get(end) {
            Some(2) => Ok(Bytes::copy_from_slice(decrypted.get(..end).unwrap_or_default())),
            _ => Err("the delimiter is not that of a last record"),
        }
    }

    /// Derives the content encryption key and the nonce of the first record.
    fn keys(&self, sender: &[u8], salt: &[u8]) -> Result<(LessSafeKey, Nonce), Unspecified> {
        let peer = UnparsedPublicKey::new(&ECDH_P256, sender);
        let info: [&[u8]; 3] = [b"WebPush: info\0", &self.public, sender];
        let mut key_material = [0; 32];
        agree(&self.private, peer, Unspecified, |shared| {
            expand(&Salt::new(HKDF_SHA256, &self.auth).extract(shared), &info, &mut key_material)
        })?;
        let content = Salt::new(HKDF_SHA256, salt).extract(&key_material);
        let (mut key, mut nonce) = ([0; 16], [0; 12]);
        expand(&content, &[b"Content-Encoding: aes128gcm\0"], &mut key)?;
        expand(&content, &[b"Content-Encoding: nonce\0"], &mut nonce)?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
        Ok((key, Nonce::assume_unique_for_key(nonce)))
    }
}

/// Returns the public key in the head of a body, which is that of whoever encrypted it.
pub(super) fn sender_key(body: &[u8]) -> Option<&[u8]> {
    body.get(HEAD_LEN..HEAD_LEN + PUBLIC_KEY_LEN)
}

/// As many bytes as there is room for.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(key: &Prk, info: &[&[u8]], out: &mut [u8]) -> Result<(), Unspecified> {
    key.expand(info, Length(out.len()))?.fill(out)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    // Source: RFC 8291, 5 and appendix A.
    const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
    const PUBLIC: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    const BODY: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    fn of_the_rfc() -> UserAgent {
        let private = PrivateKey::from_private_key(&ECDH_P256, &bytes(PRIVATE)).unwrap();
        UserAgent::with(private, bytes(AUTH).try_into().unwrap()).unwrap()
    }

    #[test]
    fn the_message_of_the_rfc_is_opened() {
        let user_agent = of_the_rfc();
        assert_eq!(user_agent.public(), bytes(PUBLIC));
        assert_eq!(user_agent.decrypt(&bytes(BODY)).unwrap(), "When I grow up, I want to be a watermelon");
    }

    #[test]
    fn every_byte_that_is_changed_or_cut_off_is_noticed() {
        let (user_agent, body) = (of_the_rfc(), bytes(BODY));
        for at in 0..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 1;
            // The record size is not authenticated as long as it stays large enough.
            let free = (SALT_LEN..SALT_LEN + RECORD_SIZE_LEN).contains(&at);
            assert_eq!(user_agent.decrypt(&changed).is_ok(), free, "byte {at}");
            assert!(user_agent.decrypt(&body[..at]).is_err(), "cut at {at}");
        }
        assert!(UserAgent::new().unwrap().decrypt(&body).is_err(), "somebody else's keys");
    }

    #[test]
    fn a_record_size_that_is_reached_means_more_than_one_record() {
        let (user_agent, mut body) = (of_the_rfc(), bytes(BODY));
        let record = (body.len() - HEAD_LEN - PUBLIC_KEY_LEN) as u32;
        for (size, good) in [(record, false), (record + 1, true)] {
            body[SALT_LEN..SALT_LEN + RECORD_SIZE_LEN].copy_from_slice(&size.to_be_bytes());
            assert_eq!(user_agent.decrypt(&body).is_ok(), good, "{size}");
        }
    }
}
