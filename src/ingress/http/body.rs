//! Reads the whole body of a call, which is bounded in bytes and in time, and counted against its caller's share.

use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body::Body;
use tokio::time::timeout;

use super::refused::Refused;
use crate::held_bytes::{BytesShare, HeldBytes, is_small};

/// Reads a body of at most `most` bytes, which may take so long.
///
/// One that is there at once is not worth counting, as in gRPC's gate. What is larger, and arrives bit by bit, is counted
/// until whoever reads it has let go of its bytes.
pub(super) async fn whole<B: Body<Data = Bytes> + Unpin>(
    body: &mut B,
    most: usize,
    patience: Duration,
    share: &BytesShare,
) -> Result<Bytes, Refused> {
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(Refused::TooLarge(most));
    }
    let mut gathering = pin!(gather(body, most, share));
    match gathering.as_mut().now_or_never() {
        Some(gathered) => gathered,
        // Most bodies are there with their head, and need no timer. It is boxed, so that it takes no room in the future of a call.
        None => {
            let waiting = Box::pin(timeout(patience, gathering));
            waiting.await.unwrap_or(Err(Refused::TooSlow(patience)))
        }
    }
}

async fn gather<B: Body<Data = Bytes> + Unpin>(
    body: &mut B,
    most: usize,
    share: &BytesShare,
) -> Result<Bytes, Refused> {
    let Some(first) = next(body).await? else { return Ok(Bytes::new()) };
    if first.len() > most {
        return Err(Refused::TooLarge(most));
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    // What arrives is copied into one buffer that grows with it. A chunk is a slice of the buffer into which the connection is
    // read: kept as it came, a chunk of one byte would keep all of its buffer.
    let (mut gathered, mut held) = (BytesMut::new(), share.nothing());
    let mut chunk = Some(first);
    while let Some(more) = chunk {
        if gathered.len() + more.len() > most {
            return Err(Refused::TooLarge(most));
        }
        held.add(more.len()).map_err(|_| Refused::NoRoom)?;
        gathered.extend_from_slice(&more);
        chunk = next(body).await?;
    }
    let bytes = gathered.freeze();
    Ok(if is_small(bytes.len()) { bytes } else { Bytes::from_owner(Counted { bytes, _held: held }) })
}

/// The next bytes of a body. Trailers say nothing here.
async fn next<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> Result<Option<Bytes>, Refused> {
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(Refused::Broken),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Bytes that are counted as long as anybody has a part of them.
struct Counted {
    bytes: Bytes,
    _held: HeldBytes,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
