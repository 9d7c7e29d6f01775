//! A client that writes and reads frames of HTTP/2 by itself. Source: RFC 9113, sections 3.4, 4.1 and 6.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// The request `GET /large` on stream 1, of which nothing follows. Its fields are three of the static table and a path. Source:
/// RFC 7541, section 6, and appendix A.
pub(crate) const GET_LARGE: &[u8] =
    &[0, 0, 10, HEADERS, 5, 0, 0, 0, 1, 0x82, 0x86, 0x04, 6, b'/', b'l', b'a', b'r', b'g', b'e'];

const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
const GOAWAY: u8 = 7;

/// Begins HTTP/2 on a socket.
pub(crate) async fn begin(socket: &mut TcpStream) {
    socket.write_all(&[PREFACE, SETTINGS].concat()).await.unwrap();
}

/// Reads a frame, and returns its type.
pub(crate) async fn next<S: AsyncRead + Unpin>(stream: &mut S) -> u8 {
    let mut header = [0; 9];
    stream.read_exact(&mut header).await.unwrap();
    let [a, b, c, kind, ..] = header;
    stream.read_exact(&mut vec![0; u32::from_be_bytes([0, a, b, c]) as usize]).await.unwrap();
    kind
}

/// The errors of the GOAWAY frames among these bytes.
pub(crate) fn goaways(bytes: &[u8]) -> Vec<u32> {
    let goaways = frames(bytes).filter(|(kind, _)| *kind == GOAWAY);
    goaways.map(|(_, payload)| u32::from_be_bytes(payload[4..8].try_into().unwrap())).collect()
}

/// How many bytes the DATA frames among these bytes bring.
pub(crate) fn sum_of_data(bytes: &[u8]) -> usize {
    frames(bytes).filter(|(kind, _)| *kind == DATA).map(|(_, payload)| payload.len()).sum()
}

/// The types and payloads of the frames in these bytes. The last one may not be whole yet, and is left out then.
fn frames(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes else { return None };
        let (payload, rest) = rest.split_at_checked(u32::from_be_bytes([0, *a, *b, *c]) as usize)?;
        bytes = rest;
        Some((*kind, payload))
    })
}
