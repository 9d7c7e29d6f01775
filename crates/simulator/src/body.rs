//! Reads the body of a request, and keeps as much of it as its answer depends on.

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use sha2::{Digest, Sha256};

/// The bytes of a body that are kept for its answer, which is above every limit of the services. Of a longer body the
/// rest is only counted and hashed.
pub(super) const MAX_READ: usize = 64 * 1024;

/// The same for a service that knows no limit. The Mattermost proxy was seen to take 5 MB.
pub(super) const MAX_READ_UNLIMITED: usize = 16 * 1024 * 1024;

/// A body that was read in full.
#[derive(Clone)]
pub(super) struct Body {
    /// The first bytes of the body, which are all of them unless the body is longer than the service reads.
    pub(super) bytes: Bytes,
    pub(super) len: u64,
    pub(super) sha256: [u8; 32],
    /// What the body holds for the browser that it was encrypted for. It is `None` where nothing was encrypted.
    pub(super) decrypted: Option<Decrypted>,
}

/// What the receiver of an encrypted body reads in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decrypted {
    /// The body decrypts to these bytes.
    Plaintext(Bytes),
    /// The body does not decrypt, for this reason.
    Undecipherable(&'static str),
}

impl Body {
    #[cfg(test)]
    pub(super) fn of(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { len: bytes.len() as u64, sha256: Sha256::digest(&bytes).into(), bytes, decrypted: None }
    }
}

/// Reads one piece, and gives the bytes that it took back to the flow-control windows.
pub(super) async fn piece(stream: &mut RecvStream) -> Option<Result<Bytes, h2::Error>> {
    let piece = stream.data().await?;
    if let Ok(bytes) = &piece
        && let Err(error) = stream.flow_control().release_capacity(bytes.len())
    {
        return Some(Err(error));
    }
    Some(piece)
}

/// Reads up to END_STREAM, and keeps up to `most` bytes; `hashed` asks for the SHA-256 of the body.
///
/// # Errors
///
/// It fails when the client resets the stream or the connection ends.
pub(super) async fn read(stream: &mut RecvStream, hashed: bool, most: usize) -> Result<Body, h2::Error> {
    let mut partial = PartialBody::new(hashed, most);
    while let Some(piece) = piece(stream).await {
        partial.add(piece?);
    }
    Ok(partial.done())
}

/// A body of which more may come.
pub(super) struct PartialBody {
    hash: Option<Sha256>,
    most: usize,
    len: u64,
    first: Bytes,
    gathered: BytesMut,
}

impl PartialBody {
    pub(super) fn new(hashed: bool, most: usize) -> Self {
        Self { hash: hashed.then(Sha256::new), most, len: 0, first: Bytes::new(), gathered: BytesMut::new() }
    }

    pub(super) fn add(&mut self, piece: Bytes) {
        self.len += piece.len() as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(&piece);
        }
        if self.first.is_empty() && self.gathered.is_empty() {
            // A body nearly always comes in one piece, which is kept without a copy.
            self.first = piece;
            return;
        }
        if self.gathered.is_empty() {
            self.gathered.extend_from_slice(&self.first);
        }
        let room = self.most.saturating_sub(self.gathered.len());
        self.gathered.extend_from_slice(piece.get(..room).unwrap_or(&piece));
    }

    pub(super) fn done(self) -> Body {
        let bytes = if self.gathered.is_empty() { self.first } else { self.gathered.freeze() };
        let sha256 = self.hash.map(|hash| hash.finalize().into()).unwrap_or_default();
        Body { bytes, len: self.len, sha256, decrypted: None }
    }
}
