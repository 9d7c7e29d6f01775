//! A request's body as it is read.

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use sha2::{Digest, Sha256};

/// Bytes of a body that are kept; more is counted and hashed only. Above every limit of APNs.
const MAX_KEPT: usize = 16 * 1024;

/// A body that was read in full.
pub(super) struct Body {
    /// The first bytes, all of them if they are few.
    pub(super) bytes: Bytes,
    pub(super) len: u64,
    pub(super) sha256: [u8; 32],
}

impl Body {
    #[cfg(test)]
    pub(super) fn of(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { len: bytes.len() as u64, sha256: Sha256::digest(&bytes).into(), bytes }
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

/// Reads to END_STREAM; `hashed` asks for the SHA-256.
///
/// # Errors
/// When the client resets the stream or the connection ends.
pub(super) async fn read(stream: &mut RecvStream, hashed: bool) -> Result<Body, h2::Error> {
    let mut hash = hashed.then(Sha256::new);
    let mut len = 0;
    let mut first = Bytes::new();
    let mut gathered = BytesMut::new();
    while let Some(piece) = piece(stream).await {
        let piece = piece?;
        len += piece.len() as u64;
        if let Some(hash) = &mut hash {
            hash.update(&piece);
        }
        if first.is_empty() && gathered.is_empty() {
            // Nearly always the only piece: no copy.
            first = piece;
        } else {
            if gathered.is_empty() {
                gathered.extend_from_slice(&first);
            }
            let room = MAX_KEPT.saturating_sub(gathered.len());
            gathered.extend_from_slice(piece.get(..room).unwrap_or(&piece));
        }
    }
    let bytes = if gathered.is_empty() { first } else { gathered.freeze() };
    Ok(Body { bytes, len, sha256: hash.map(|hash| hash.finalize().into()).unwrap_or_default() })
}
