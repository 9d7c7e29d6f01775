//! Pushes of a Mattermost server: connections over HTTP/1.1 that are kept, each with one call in flight, as Go's client has them.

use std::time::Instant;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::messages::Call;
use crate::tally::Shared;

/// What is answered where a push was accepted.
const ACCEPTED: &[u8] = b"{\"status\":\"OK\"}\n";

/// The end of a head. Source: RFC 9112, section 2.1.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Sends on one connection. The connections number their pushes from `first` on, each with numbers of its own.
pub(super) async fn run(port: u16, body: usize, first: u32, tally: Shared) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (mut call, mut answer) = (Call::new(body), vec![0; 4096]);
    for number in first.. {
        if tally.stopping() {
            return Ok(());
        }
        tally.lock().sent(1);
        let begun = Instant::now();
        stream.write_all(call.numbered(number)).await?;
        let answered = read(&mut stream, &mut answer).await?;
        let mut tally = tally.lock();
        if answered == ACCEPTED {
            tally.accepted(begun.elapsed());
        } else {
            tally.failed(1, || String::from_utf8_lossy(answered).into_owned());
        }
    }
    Ok(())
}

/// The body of an answer, whose length its head says.
async fn read<'a>(stream: &mut TcpStream, buffer: &'a mut [u8]) -> anyhow::Result<&'a [u8]> {
    let mut filled = 0;
    loop {
        let more = stream.read(&mut buffer[filled..]).await?;
        ensure!(more > 0, "the connection ended within an answer");
        filled += more;
        let said = &buffer[..filled];
        let Some(head) = said.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD) else {
            continue;
        };
        let (head, begins) = (std::str::from_utf8(&said[..head])?, head + END_OF_HEAD.len());
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let ends = begins + length.context("an answer without a length")?.parse::<usize>()?;
        if filled >= ends {
            return Ok(&buffer[begins..ends]);
        }
    }
}
