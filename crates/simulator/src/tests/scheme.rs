//! `:scheme: https:` as npm firebase-admin sends it, frame by frame, since no HTTP/2 library of Rust would send it.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::client::{PATIENCE, tls_at};
use crate::{Environment, Simulator};

/// Makes the HEADERS of a GET, which end the stream.
fn get(stream: u8, block: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, u8::try_from(block.len()).unwrap(), 1, 5, 0, 0, 0, stream];
    frame.extend_from_slice(block);
    frame
}

/// Returns the kinds of the frames of the two streams, and the first byte of each, up to the end of the second stream.
async fn told(address: std::net::SocketAddr, simulator: &Simulator) -> Vec<(u8, u8, u8)> {
    let mut tls = tls_at(simulator, address, b"h2", None).await.unwrap();
    tls.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").await.unwrap();
    // The first request has `:method: GET`, `:scheme: https:` as a literal that goes into the dynamic table,
    // `:authority` and `:path: /`. The second names the scheme and the authority by their places in the table.
    tls.write_all(&get(1, b"\x82\x46\x85\x9d\x29\xad\x17\x3f\x41\x01h\x84")).await.unwrap();
    tls.write_all(&get(3, b"\x82\xbf\xbe\x84")).await.unwrap();
    let mut seen = Vec::new();
    let reading = async {
        loop {
            let mut head = [0; 9];
            tls.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
            tls.read_exact(&mut payload).await.unwrap();
            let (kind, flags, stream) = (head[3], head[4], head[8]);
            if stream != 0 && kind != 8 {
                // The first block after SETTINGS begins with the new size of the table.
                let first = payload.iter().find(|byte| **byte != 0x20);
                seen.push((stream, kind, first.copied().unwrap_or_default()));
            }
            // The second stream ends with END_STREAM or RST_STREAM.
            if stream == 3 && (kind == 3 || flags & 1 != 0) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("both streams end");
    seen
}

#[tokio::test]
async fn fcm_takes_the_scheme_with_a_colon_and_hpack_stays_in_step() {
    let simulator = Simulator::builder().start().await.unwrap();
    let seen = told(simulator.fcm().address(), &simulator).await;
    let heads: Vec<_> = seen.iter().filter(|(_, kind, _)| *kind == 1).collect();
    // This is 404 by its place in the static table.
    assert_eq!(heads, [&(1, 1, 0x8d), &(3, 1, 0x8d)]);
    let entries = simulator.journal().entries();
    assert_eq!(entries.iter().map(|entry| &*entry.path).collect::<Vec<_>>(), ["/", "/"]);
}

#[tokio::test]
async fn elsewhere_nobody_was_seen_to_take_it() {
    let simulator = Simulator::builder().start().await.unwrap();
    let seen = told(simulator.address(Environment::Sandbox), &simulator).await;
    assert!(seen.iter().all(|(_, kind, _)| *kind == 3), "{seen:?}");
}
