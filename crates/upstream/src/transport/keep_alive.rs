//! TCP keep-alive, by which the kernel tells a connection that rests from one that is gone.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How long a connection rests before the kernel sends the first probe. It is less than the idle time of common
/// middleboxes, which a probe begins anew: 4 minutes (Azure's load balancer and NAT gateway, "TCP idle timeout") and
/// 350 s (AWS, "NAT gateway basics" and "Network Load Balancers"). Some of them count no probes, so they replace no PING.
const AFTER: Duration = Duration::from_secs(60);

/// How long the kernel waits for the answer to a probe before it sends the next.
const EVERY: Duration = Duration::from_secs(10);

/// Lets the kernel probe a connection that rests. One that answers no probe fails, after as many as the system says
/// (`tcp_keepalive_probes` in tcp(7)).
///
/// # Errors
/// Fails if the system takes no such option.
pub fn keep_alive(socket: &TcpStream) -> io::Result<()> {
    SockRef::from(socket).set_tcp_keepalive(&TcpKeepalive::new().with_time(AFTER).with_interval(EVERY))
}
