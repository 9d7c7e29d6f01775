//! A request's body as it is read.

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use sha2::{Digest, Sha256};

/// Bytes of a body that are read for its answer; more is counted and hashed only. Above every limit of the services.
pub(super) const MAX_READ: usize = 64 * 1024;

/// The same of a service that knows no limit.
pub(super) const MAX_READ_UNLIMITED: usize = 16 * 1024 * 1024;

/// A body that was read in full.
#[derive(Clone)]
pub(super) struct Body {
    /// The first bytes, all of them if they are few.
    pub(super) bytes: Bytes,
    pub(super) len: u64,
    pub(super) sha256: [u8; 32],
    /// What it holds for whom it was encrypted.
    pub(super) opened: Option<Opened>,
}

/// A body that was encrypted for one receiver, as that one reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// What was in it.
    Plaintext(Bytes),
    /// Why it does not decrypt.
    Undecipherable(&'static str),
}

impl Body {
    #[cfg(test)]
    pub(super) fn of(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { len: bytes.len() as u64, sha256: Sha256::digest(&bytes).into(), bytes, opened: None }
    }
}

/// Reads one piece, and gives its share of the windows back.
pub(super) async fn piece(stream: &mut RecvStream) -> Option<Result<Bytes, h2::Error>> {
    let piece = stream.data().await?;
    if let Ok(bytes) = &piece
        && let Err(error) = stream.flow_control().release_capacity(bytes.len())
    {
        return Some(Err(error));
    }
    Some(piece)
}

/// Reads to END_STREAM, and keeps up to `most` bytes; `hashed` asks for the SHA-256.
///
/// # Errors
/// When the client resets the stream or the connection ends.
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
            // Nearly always the only piece: no copy.
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
        Body { bytes, len: self.len, sha256, opened: None }
    }
}
