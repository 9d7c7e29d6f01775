//! Mozilla's reading of the RFC, on this crate's cryptography.

use std::any::Any;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand;
use ece::crypto::{Cryptographer, EcKeyComponents, LocalKeyPair, RemotePublicKey};
use ece::{Error, Result};

use super::{AUTH, BROWSER_KEY, BROWSER_PUBLIC, bytes};

/// Opens what was sent to the browser of these tests.
pub(super) fn decrypt(body: &[u8]) -> Vec<u8> {
    install();
    let key = EcKeyComponents::new(bytes(BROWSER_KEY), bytes(BROWSER_PUBLIC));
    ece::decrypt(&key, &bytes(AUTH), body).unwrap()
}

#[test]
fn mozillas_own_tests_pass_on_this_cryptography() {
    install();
    ece::crypto::test_cryptographer(AwsLc);
}

fn install() {
    // The second to ask finds it there.
    _ = ece::crypto::set_cryptographer(&AwsLc);
}

struct AwsLc;

struct Pair(PrivateKey);

struct Public(Vec<u8>);

impl LocalKeyPair for Pair {
    fn pub_as_raw(&self) -> Result<Vec<u8>> {
        let public = self.0.compute_public_key().map_err(|_| Error::CryptoError)?;
        Ok(public.as_ref().to_vec())
    }

    fn raw_components(&self) -> Result<EcKeyComponents> {
        let private: EcPrivateKeyBin<'_> = self.0.as_be_bytes().map_err(|_| Error::CryptoError)?;
        Ok(EcKeyComponents::new(private.as_ref().to_vec(), self.pub_as_raw()?))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl RemotePublicKey for Public {
    fn as_raw(&self) -> Result<Vec<u8>> {
        Ok(self.0.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Cryptographer for AwsLc {
    fn generate_ephemeral_keypair(&self) -> Result<Box<dyn LocalKeyPair>> {
        Ok(Box::new(Pair(PrivateKey::generate(&ECDH_P256).map_err(|_| Error::CryptoError)?)))
    }

    fn import_key_pair(&self, key: &EcKeyComponents) -> Result<Box<dyn LocalKeyPair>> {
        let key = PrivateKey::from_private_key(&ECDH_P256, key.private_key());
        Ok(Box::new(Pair(key.map_err(|_| Error::CryptoError)?)))
    }

    fn import_public_key(&self, raw: &[u8]) -> Result<Box<dyn RemotePublicKey>> {
        Ok(Box::new(Public(raw.to_vec())))
    }

    fn compute_ecdh_secret(&self, remote: &dyn RemotePublicKey, local: &dyn LocalKeyPair) -> Result<Vec<u8>> {
        let local: &Pair = local.as_any().downcast_ref().unwrap();
        let remote = UnparsedPublicKey::new(&ECDH_P256, remote.as_raw()?);
        agree(&local.0, remote, Error::CryptoError, |secret| Ok(secret.to_vec()))
    }

    fn hkdf_sha256(&self, salt: &[u8], secret: &[u8], info: &[u8], len: usize) -> Result<Vec<u8>> {
        struct Length(usize);
        impl KeyType for Length {
            fn len(&self) -> usize {
                self.0
            }
        }
        let mut key = vec![0; len];
        let extracted = Salt::new(HKDF_SHA256, salt).extract(secret);
        let filled = extracted.expand(&[info], Length(len)).and_then(|okm| okm.fill(&mut key));
        filled.map(|()| key).map_err(|_| Error::CryptoError)
    }

    fn aes_gcm_128_encrypt(&self, key: &[u8], iv: &[u8], data: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = data.to_vec();
        let (key, nonce) = key_and_nonce(key, iv)?;
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed).map_err(|_| Error::CryptoError)?;
        Ok(sealed)
    }

    fn aes_gcm_128_decrypt(&self, key: &[u8], iv: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = sealed.to_vec();
        let (key, nonce) = key_and_nonce(key, iv)?;
        let opened = key.open_in_place(nonce, Aad::empty(), &mut sealed);
        opened.map(|data| data.to_vec()).map_err(|_| Error::CryptoError)
    }

    fn random_bytes(&self, dest: &mut [u8]) -> Result<()> {
        rand::fill(dest).map_err(|_| Error::CryptoError)
    }
}

fn key_and_nonce(key: &[u8], iv: &[u8]) -> Result<(LessSafeKey, Nonce)> {
    let key = UnboundKey::new(&AES_128_GCM, key).map_err(|_| Error::CryptoError)?;
    let nonce = Nonce::try_assume_unique_for_key(iv).map_err(|_| Error::CryptoError)?;
    Ok((LessSafeKey::new(key), nonce))
}
