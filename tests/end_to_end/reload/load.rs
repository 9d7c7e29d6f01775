//! Single pushes and a batch that go out while the configuration changes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fanfare::proto::{self, Outcome};

use super::{APPS, DROID};
use crate::harness::{World, alert, device, good, until};
use crate::send_batch::BatchCaller;

/// How many pushes of each app get their verdict between two reloads.
const BETWEEN: usize = 20;

/// A push of an app to a device that no other push goes to.
pub(super) fn push_of(app: &str, number: usize) -> proto::Push {
    let target = if app == DROID {
        let token = format!("good-{number}");
        let to = proto::FcmTarget { registration_token: token, ..proto::FcmTarget::default() };
        proto::Target { fcm: Some(Box::new(to)), ..proto::Target::default() }
    } else {
        device(&good(number))
    };
    proto::Push {
        app: app.to_owned(),
        target: Some(target),
        content: Some(alert("a", "b")),
        ..Default::default()
    }
}

/// Pushes that go out one after the other, for each app in a row of its own, until they are told to stop.
#[derive(Default)]
pub(super) struct Load {
    pub(super) stop: AtomicBool,
    next: AtomicUsize,
    pub(super) settled: [AtomicUsize; APPS.len()],
}

impl Load {
    fn number(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) async fn push(&self, world: &World, of: usize) {
        while !self.stop.load(Ordering::Relaxed) {
            let result = world.send(push_of(APPS[of], self.number())).await;
            assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
            assert_eq!(result.attempts, 1, "{result:?}");
            self.settled[of].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends items of all apps on one stream, and returns how many.
    pub(super) async fn batch(&self, world: &World) -> usize {
        let mut batch = BatchCaller::open(world).await;
        let mut sent = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let pushes = APPS.map(|app| push_of(app, self.number()));
            sent += pushes.len();
            let message = proto::SendBatchRequest { pushes: pushes.into(), ..Default::default() };
            batch.write(message).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        batch.half_close();
        let end = batch.read().await;
        assert!(end.status.is_none(), "{:?}", end.status);
        for result in end.results.values() {
            assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
        }
        assert_eq!(end.results.len(), sent);
        sent
    }

    /// Waits until more pushes of each app have had their verdict.
    pub(super) async fn more(&self) {
        let before: Vec<_> = self.settled.iter().map(|it| it.load(Ordering::Relaxed)).collect();
        let now = |of: usize| self.settled[of].load(Ordering::Relaxed);
        until(|| before.iter().enumerate().all(|(of, before)| now(of) >= before + BETWEEN)).await;
    }
}
