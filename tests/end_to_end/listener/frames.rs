//! A client that writes and reads frames of HTTP/2 by itself. Source: RFC 9113, sections 3.4, 4.1 and 6.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

const GOAWAY: u8 = 7;

/// Begins HTTP/2 on a socket.
pub(crate) async fn begin(socket: &mut TcpStream) {
    socket.write_all(&[PREFACE, SETTINGS].concat()).await.unwrap();
}

/// The errors of the GOAWAY frames among these bytes.
pub(crate) fn goaways(mut bytes: &[u8]) -> Vec<u32> {
    let mut errors = Vec::new();
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        // The last frame may not be whole yet.
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        if *kind == GOAWAY {
            errors.push(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
        bytes = rest;
    }
    errors
}
