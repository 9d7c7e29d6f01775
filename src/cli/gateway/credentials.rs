//! What a command shows a gateway, as its files held it when they were read.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use fanfare_upstream::Http;
use fanfare_upstream::tls::{self, ClientIdentity, TlsError};
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{ClientTlsConfig, Identity};

use super::args::GatewayArgs;
use super::token;
use crate::files::FileContent;

/// What a command shows a gateway.
pub(super) struct Credentials {
    certificate: Option<Certificate>,
    authorization: Option<MetadataValue<Ascii>>,
}

/// A client certificate with its private key, both as PEM.
struct Certificate {
    chain: Vec<u8>,
    key: SecretSlice<u8>,
}

impl Credentials {
    /// Reads what the flags name.
    ///
    /// # Errors
    /// Says which file cannot be used and why. No error repeats what is in a file.
    pub(super) fn read(args: &GatewayArgs) -> anyhow::Result<Self> {
        let certificate = match (&args.cert, &args.key) {
            (Some(chain), Some(key)) => Some(Certificate::read(chain, key)?),
            _ => None,
        };
        let authorization = args.token_file.as_deref().map(token::authorization).transpose()?;
        Ok(Self { certificate, authorization })
    }

    /// Returns the value of `authorization`, if a token is shown.
    pub(super) fn authorization(&self) -> Option<&MetadataValue<Ascii>> {
        self.authorization.as_ref()
    }

    /// Returns the SHA-256 of all that is shown, by which a change is seen.
    pub(super) fn digest(&self) -> [u8; 32] {
        let certificate = self.certificate.iter().flat_map(|it| [&it.chain[..], it.key.expose_secret()]);
        let authorization = self.authorization.iter().map(|it| it.as_encoded_bytes());
        let digests = certificate.chain(authorization).map(Sha256::digest);
        digests.fold(Sha256::new(), |all, digest| all.chain_update(digest)).finalize().into()
    }

    /// Sets up TLS that shows the certificate, and verifies the gateway by the root certificates of the operating system and
    /// those of a file.
    ///
    /// # Errors
    /// Says which file cannot be used and why.
    pub(super) fn tls(&self, ca: Option<&Path>) -> anyhow::Result<ClientTlsConfig> {
        let config = ClientTlsConfig::new().trust_anchors(roots(ca)?.roots.iter().cloned());
        Ok(match &self.certificate {
            Some(Certificate { chain, key }) => {
                config.identity(Identity::from_pem(chain, key.expose_secret()))
            }
            None => config,
        })
    }

    /// The same for HTTP/1.1.
    ///
    /// # Errors
    /// Says which file cannot be used and why.
    pub(super) fn tls_of_http1(&self, ca: Option<&Path>) -> anyhow::Result<Arc<ClientConfig>> {
        let identity = self
            .certificate
            .as_ref()
            .map(|Certificate { chain, key }| ClientIdentity::from_pem(chain, key.expose_secret()));
        let tls = tls::client_config(roots(ca)?, identity.transpose()?, Http::One)?;
        Ok(Arc::clone(tls.config()))
    }
}

/// The root certificates of the operating system and those of a file.
fn roots(ca: Option<&Path>) -> anyhow::Result<Arc<RootCertStore>> {
    let extra = ca.map(|file| read("--ca", file)).transpose()?;
    match (tls::roots(extra.as_slice()), ca) {
        (Ok(roots), _) => Ok(roots),
        (Err(error), Some(file)) => Err(error).with_context(|| format!("--ca {}", file.display())),
        (Err(TlsError::NoRoots), None) => {
            bail!("the operating system has no root certificates; name the CA of the gateway by --ca")
        }
        (Err(error), None) => Err(error.into()),
    }
}

impl Certificate {
    /// Reads a certificate and its key, and checks that they belong together.
    fn read(chain_file: &Path, key_file: &Path) -> anyhow::Result<Self> {
        let chain = read("--cert", chain_file)?;
        let key = SecretSlice::from(read("--key", key_file)?);
        let identity = ClientIdentity::from_pem(&chain, key.expose_secret()).map_err(|error| {
            let of_key = matches!(error, TlsError::NotPrivateKey { .. });
            let (flag, file) = if of_key { ("--key", key_file) } else { ("--cert", chain_file) };
            anyhow!("{flag} {}: {error}", file.display())
        })?;
        // Whom such a connection trusts does not matter, because none is made: the key only has to fit.
        tls::client_config(Arc::new(RootCertStore::empty()), Some(identity), Http::Two).with_context(
            || format!("--cert {} does not go with --key {}", chain_file.display(), key_file.display()),
        )?;
        Ok(Self { chain, key })
    }
}

/// Reads a file that a flag names.
fn read(flag: &str, file: &Path) -> anyhow::Result<Vec<u8>> {
    let content = FileContent::read(file).with_context(|| format!("{flag} {}", file.display()))?;
    Ok(content.into_bytes())
}
