//! A NAT or a firewall on the way to a push service, which forgets connections that rest.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::harness::{sized, until};

/// How long a connection may rest before it is forgotten.
pub(super) fn forgets_after() -> Duration {
    Duration::from_secs(sized(2, 20))
}

/// What becomes of a connection that rested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgets {
    /// It is carried on.
    Nothing,
    /// What is sent on it disappears.
    Silently,
    /// What is sent on it is answered by a reset.
    WithReset,
}

/// Carries connections to a server, and forgets those that rest.
pub(crate) struct Middlebox {
    pub(crate) address: SocketAddr,
    pub(super) forgets: Forgets,
    /// How many connections carried something not long ago.
    active: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Drop for Middlebox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Middlebox {
    pub(crate) async fn before(server: SocketAddr, forgets: Forgets) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let active = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&active);
        let accepts = async move {
            while let Ok((client, _)) = listener.accept().await {
                let activity = Activity::begin(&counted);
                tokio::spawn(async move { carry(client, server, forgets, activity).await });
            }
        };
        Self { address, forgets, active, task: tokio::spawn(accepts).abort_handle() }
    }

    /// Waits until every connection was forgotten, or would have been, or was closed.
    pub(super) async fn rest(&self) {
        until(|| self.active.load(Ordering::SeqCst) == 0).await;
    }
}

/// A connection that counts while it is active.
struct Activity {
    count: Arc<AtomicUsize>,
    active: bool,
}

impl Activity {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self { count: Arc::clone(count), active: true }
    }

    fn is(&mut self, active: bool) {
        match (std::mem::replace(&mut self.active, active), active) {
            (false, true) => drop(self.count.fetch_add(1, Ordering::SeqCst)),
            (true, false) => drop(self.count.fetch_sub(1, Ordering::SeqCst)),
            (true, true) | (false, false) => {}
        }
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        self.is(false);
    }
}

/// Carries one connection to its end.
async fn carry(
    mut client: TcpStream,
    server: SocketAddr,
    forgets: Forgets,
    mut activity: Activity,
) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut asked, mut said) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read? {
                0 => return Ok(()),
                count => server.write_all(&asked[..count]).await?,
            },
            read = server.read(&mut said) => match read? {
                0 => return Ok(()),
                count => client.write_all(&said[..count]).await?,
            },
            () = tokio::time::sleep(forgets_after()), if activity.active => {
                activity.is(false);
                if forgets != Forgets::Nothing {
                    break;
                }
                continue;
            }
        }
        activity.is(true);
    }
    // The server is not told either.
    while client.read(&mut asked).await? > 0 {
        if forgets == Forgets::WithReset {
            client.set_zero_linger()?;
            return Ok(());
        }
    }
    Ok(())
}
