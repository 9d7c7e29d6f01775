//! Reads the whole body of a call, which is bounded in bytes and in time, and counted against its caller's share.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, FutureExt, ready};
use http_body::Body;
use tokio::time::timeout;

use super::refused::Refused;
use crate::held_bytes::{BytesShare, HeldBytes, is_small};
use crate::listener::poll_frame;

/// Reads a body of at most `most` bytes, which may take so long.
///
/// One that is there at once is not worth counting, as in gRPC's gate. What is larger, and arrives bit by bit, is counted
/// until whoever reads it has let go of its bytes.
pub(super) fn whole<'a, B: Body<Data = Bytes> + Send + Unpin>(
    body: &'a mut B,
    most: usize,
    patience: Duration,
    share: &'a BytesShare,
) -> impl Future<Output = Result<Bytes, Refused>> + Send + Unpin {
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Either::Left(ready(Err(Refused::TooLarge(most))));
    }
    // Most bodies are there with their head, and need no timer.
    let first = match next(body).now_or_never() {
        Some(Err(refused)) => return Either::Left(ready(Err(refused))),
        Some(Ok(None)) => return Either::Left(ready(Ok(Bytes::new()))),
        Some(Ok(Some(first))) if body.is_end_stream() && first.len() <= most => {
            return Either::Left(ready(Ok(first)));
        }
        Some(Ok(first @ Some(_))) => first,
        None => None,
    };
    // It is boxed, so that it takes no room in the future of every other call.
    Either::Right(Box::pin(async move {
        let gathered = timeout(patience, gather(first, body, most, share)).await;
        gathered.unwrap_or(Err(Refused::TooSlow(patience)))
    }))
}

/// Reads what follows the first bytes of a body, or all of it.
async fn gather<B: Body<Data = Bytes> + Unpin>(
    first: Option<Bytes>,
    body: &mut B,
    most: usize,
    share: &BytesShare,
) -> Result<Bytes, Refused> {
    let first = match first {
        Some(first) => first,
        None => match next(body).await? {
            Some(first) => first,
            None => return Ok(Bytes::new()),
        },
    };
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
        let frame = std::future::poll_fn(|cx| poll_frame(body, cx)).await;
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
