//! The limits of a batch.

use std::time::Duration;

/// The limits of a batch.
#[derive(Debug, Clone)]
pub struct BatchSettings {
    /// Bounds the items in flight and the results not yet delivered, of one batch.
    pub window: usize,
    /// Bounds the items of one batch that wait for more than a second for their next attempt.
    pub max_waiting: usize,
    /// How long the gateway works on an item that names no `max_wait`.
    pub max_wait: Duration,
    /// A batch ends when nothing could be delivered for this long.
    pub reader_stall_timeout: Duration,
    /// Where nothing else is said, whoever reads the results is told how far the batch is this often.
    pub progress_interval: Duration,
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self {
            window: 4096,
            max_waiting: 4096,
            max_wait: Duration::from_secs(5 * 60),
            reader_stall_timeout: Duration::from_secs(60),
            // Proxies end streams that say nothing: haproxy's examples have 50 s, nginx 60 s (`grpc_read_timeout`), nghttpx
            // a minute or two. A third of the shortest leaves room for one that is late.
            progress_interval: Duration::from_secs(15),
        }
    }
}
