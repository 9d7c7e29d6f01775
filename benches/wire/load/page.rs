//! A browser that has the status page open: it listens to the events of the page, which come each second.

use anyhow::bail;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Listens until the gateway ends, which is no failure; that nothing comes is one.
pub(super) async fn watch(admin: u16) -> anyhow::Result<()> {
    let mut socket = TcpStream::connect(("127.0.0.1", admin)).await?;
    socket.write_all(b"GET /status/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let (mut heard, mut piece) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        let length = socket.read(&mut piece).await.unwrap_or_default();
        if length == 0 {
            if !heard.windows(14).any(|it| it == b"event: status\n") {
                bail!("the page was told nothing: {}", String::from_utf8_lossy(&heard));
            }
            return Ok(());
        }
        if heard.len() < piece.len() {
            heard.extend_from_slice(&piece[..length]);
        }
    }
}
