//! How a request asks for a turn, and waits for one.

use std::time::Duration;

use futures_util::future::{Either, ready};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Effects, NoTurn, Pacer, Told};
use crate::core::{PaceRefusal, WaiterId};
use crate::flow::Flow;
use crate::observe::{PaceReport, Report};

impl Pacer {
    /// Asks for a turn, and waits for it when the future is polled. `flow` decides who goes first, as it does for streams.
    ///
    /// # Errors
    /// [`NoTurn`] says why there is none. A turn that would come after the deadline is refused at once.
    ///
    /// # Cancel safety
    /// When the future is dropped, its place in the line is given up.
    pub fn turn(
        &self,
        flow: Flow,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), NoTurn>> + Send + Unpin + '_ {
        let asked = if self.is_paced() { self.ask(flow, deadline) } else { Ok(None) };
        match asked {
            Ok(None) => Either::Left(ready(Ok(()))),
            Err(why) => Either::Left(ready(Err(why))),
            // The wait is boxed, so that it takes no room in the future of a request that has its turn at once.
            Ok(Some((place, told))) => Either::Right(Box::pin(place.wait(told, deadline))),
        }
    }

    /// Asks for a turn. `None` is a turn at once, and `Some` the wait for one.
    fn ask(
        &self,
        flow: Flow,
        deadline: Instant,
    ) -> Result<Option<(PlaceInLine<'_>, oneshot::Receiver<Told>)>, NoTurn> {
        let mut state = self.lock();
        let now = Instant::now();
        match state.core.ask(now.into_std(), flow, deadline.into_std()) {
            Ok(true) => return Ok(None),
            Ok(false) => {}
            Err(PaceRefusal::TooLong(wait)) => return Err(NoTurn::TooLong(wait)),
            Err(PaceRefusal::Full(wait)) => return Err(NoTurn::Full(wait)),
        }
        if self.stop.is_cancelled() {
            return Err(NoTurn::ShuttingDown);
        }
        let (tell, told) = oneshot::channel();
        let mut effects = Effects::new();
        let id = state.core.wait(now.into_std(), flow, deadline.into_std(), tell, &mut effects);
        drop(state);
        self.observer.report(Report::Pace(PaceReport::WaitBegan));
        self.perform(effects);
        Ok(Some((PlaceInLine { pacer: self, id, since: now, told: false }, told)))
    }
}

/// The place in the line of somebody who waits for a turn. When it is dropped, the place is given up.
struct PlaceInLine<'a> {
    pacer: &'a Pacer,
    id: WaiterId,
    since: Instant,
    told: bool,
}

impl PlaceInLine<'_> {
    /// Waits to be told, at most until the deadline.
    async fn wait(mut self, told: oneshot::Receiver<Told>, deadline: Instant) -> Result<(), NoTurn> {
        match tokio::time::timeout_at(deadline, told).await {
            Ok(Ok(Told::Turn)) => {
                self.told = true;
                Ok(())
            }
            Ok(Ok(Told::TurnedAway)) => {
                self.told = true;
                Err(NoTurn::TurnedAway)
            }
            Ok(_) if self.pacer.stop.is_cancelled() => Err(NoTurn::ShuttingDown),
            // The pace has fallen since, so that the turn did not come in time.
            Ok(_) | Err(_) => Err(NoTurn::TooLong(self.leave())),
        }
    }

    /// Leaves the line. Returns how long the turn would still have taken.
    fn leave(&mut self) -> Duration {
        self.told = true;
        let now = Instant::now();
        self.pacer.lock().core.left(now.into_std(), self.id)
    }
}

impl Drop for PlaceInLine<'_> {
    fn drop(&mut self) {
        self.pacer.observer.report(Report::Pace(PaceReport::WaitEnded(self.since.elapsed())));
        if !self.told {
            self.leave();
        }
    }
}
