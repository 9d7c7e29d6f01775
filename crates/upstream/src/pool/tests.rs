//! What two threads do at the same time, one after the other.

use std::time::Duration;

use super::*;
use crate::tests::{peer, upstream};

impl Pool {
    /// The number of the only connection.
    pub(crate) fn only_connection(&self) -> ConnectionId {
        let state = self.lock();
        assert_eq!(state.connections.len(), 1);
        *state.connections.keys().next().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_that_one_thread_asks_for_while_another_ends_the_pool_leaves_no_task() {
    let upstream = upstream(UpstreamSettings::default());
    let pool = upstream.peer(peer("peer.test")).unwrap();
    let pool = pool.pool();
    // The core said this before the end, and the thread that it told is late.
    let late = vec![Effect::WakeAt((Instant::now() + Duration::from_secs(60)).into_std())];
    upstream.shut_down();
    pool.perform(Instant::now(), late);
    let began = Instant::now();
    upstream.closed().await;
    assert_eq!(began.elapsed(), Duration::ZERO, "nobody waits for a wake-up that has no use");
}
