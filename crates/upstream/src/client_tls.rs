//! TLS to a peer, told by what it is made of.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};

/// How TLS to a peer is done, and what that is made of.
pub struct ClientTls {
    config: Arc<ClientConfig>,
    content: TlsContent,
}

/// What TLS verifies a peer by and shows it, as the SHA-256 of the roots and of the chain of certificates. The private key is
/// no part of it, since the leaf names the public one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TlsContent([u8; 32]);

impl ClientTls {
    pub(crate) fn new(config: ClientConfig, content: TlsContent) -> Self {
        Self { config: Arc::new(config), content }
    }

    /// What rustls makes of it.
    #[must_use]
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    pub(crate) fn content(&self) -> TlsContent {
        self.content
    }

    /// Whether both verify a peer by the same roots and show it the same certificates.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

/// Shows what it is made of, and nothing of a key.
impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientTls").field(&self.content).finish()
    }
}

impl TlsContent {
    pub(crate) fn of(roots: &RootCertStore, shown: Option<&[CertificateDer<'_>]>) -> Self {
        let mut anchors: Vec<_> = roots
            .roots
            .iter()
            .map(|root| {
                let constraints = root.name_constraints.as_deref().unwrap_or_default();
                digest([root.subject.as_ref(), root.subject_public_key_info.as_ref(), constraints])
            })
            .collect();
        // The order of roots says nothing, and neither does one that is there twice.
        anchors.sort_unstable();
        anchors.dedup();
        let anchors = digest(anchors.iter().map(<[u8; 32]>::as_slice));
        let chain = shown.map(|chain| digest(chain.iter().map(AsRef::as_ref)));
        Self(digest([anchors.as_slice(), chain.as_ref().map_or(&[], <[u8; 32]>::as_slice)]))
    }
}

/// The SHA-256 of several texts, each behind its length, so that none runs into the next.
fn digest<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update(text.len().to_be_bytes());
        digest.update(text);
    }
    digest.finalize().into()
}
