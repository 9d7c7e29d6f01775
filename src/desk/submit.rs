//! One push, and several pushes of one call.

use std::sync::Arc;

use fanfare_upstream::ServiceClass;
use futures_util::StreamExt;
use futures_util::future::{Either, FutureExt, ready};
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::admission::{NoRoom, Unadmitted};
use super::arrival::Arrival;
use super::draft::Draft;
use super::opening::OpenedPush;
use super::refused::{OVER_BUDGET, Refused};
use super::settled::Settled;
use super::started::Started;
use super::{Desk, flow_of, flow_of_call};
use crate::caller::{Caller, Denied};
use crate::dispatch::{Room, Terms};

impl Desk {
    /// Admits a push, and sends it when the future is polled.
    ///
    /// # Errors
    /// Fails if there is no room for it. What is wrong with the push itself is its result.
    ///
    /// # Cancel safety
    /// Dropping the future stops the push if its connection has not taken it yet, and only then.
    pub fn submit<'a>(
        &'a self,
        caller: &Caller,
        draft: Draft,
        arrival: Arrival,
    ) -> impl Future<Output = Result<Settled, NoRoom>> + Send + use<'a> {
        // This function is not async, so its future does not hold the draft.
        match self.start(caller, draft, arrival) {
            Ok(Ok(started)) => Either::Left(started.send(self).map(Ok)),
            Ok(Err(refused)) => {
                self.metrics.refused(refused.reason_name());
                Either::Right(ready(Ok(refused.settle(0, None))))
            }
            Err(why) => {
                self.turned_away(why);
                Either::Right(ready(Err(why)))
            }
        }
    }

    fn start(
        &self,
        caller: &Caller,
        draft: Draft,
        arrival: Arrival,
    ) -> Result<Result<Started, Box<Refused>>, NoRoom> {
        let opened = match self.open_draft(caller, ServiceClass::Interactive, draft) {
            Ok(opened) => opened,
            Err(refused) => return Ok(Err(refused)),
        };
        let room = self.admit(caller, ServiceClass::Interactive, &opened, None)?;
        let (begun, deadline) = (arrival.at, self.deadline(&opened, arrival));
        let flow = opened.flow(flow_of(ServiceClass::Interactive, caller));
        let terms = Terms { flow, begun, deadline };
        Ok(Ok(Started { index: 0, opened, room, terms }))
    }

    /// By when a push has its verdict.
    fn deadline(&self, opened: &OpenedPush, arrival: Arrival) -> Instant {
        let settings = self.settings.load();
        let max_wait = opened.push.body.options.max_wait.unwrap_or(settings.max_wait);
        arrival.deadline(max_wait, settings.deadline_margin)
    }

    /// Finds room for a push, and takes its turn of those that its caller may hand in each second. A push for which there is
    /// no room takes no turn, so that it may come again. Pushes of one call that find none are told to wait equally long,
    /// as `told` says of an earlier one.
    fn admit(
        &self,
        caller: &Caller,
        class: ServiceClass,
        opened: &OpenedPush,
        told: Option<NoRoom>,
    ) -> Result<Room, NoRoom> {
        opened.bytes_held()?;
        let sharers = opened.sharers(caller);
        let room = self.admission.admit(class, sharers).map_err(|why| match told {
            Some(full @ NoRoom::Full(_)) if why != Unadmitted::Draining => full,
            _ => why.told(sharers),
        })?;
        caller.take_turn().map_err(|wait| {
            caller.note(Denied::Rate, opened.push.body.app.as_str());
            NoRoom::OverRate(wait)
        })?;
        Ok(room)
    }

    /// Admits all pushes of a call before one of them is sent, and returns their results in the order in which they
    /// were handed in. A push for which there is no room has that as its result. Whoever calls this bounds how many
    /// drafts there are.
    ///
    /// # Errors
    /// Fails if there was no room for some and none of the others can be sent, so nothing was sent at all.
    pub(crate) async fn submit_all(
        self: &Arc<Self>,
        caller: &Caller,
        drafts: impl Iterator<Item = Draft>,
        class: ServiceClass,
        arrival: Arrival,
    ) -> Result<Vec<Settled>, NoRoom> {
        let flow = flow_of_call(class, caller);
        let (mut results, mut in_flight) = (Vec::new(), FuturesUnordered::new());
        // Says why the first push that found no room found none.
        let mut full = None;
        for (index, draft) in (0..).zip(drafts) {
            let opened = match self.open_draft(caller, class, draft) {
                Ok(opened) => opened,
                Err(refused) => {
                    self.metrics.refused(refused.reason_name());
                    results.push(refused.settle(index, None));
                    continue;
                }
            };
            match self.admit(caller, class, &opened, full) {
                Ok(room) => {
                    let (begun, deadline) = (arrival.at, self.deadline(&opened, arrival));
                    let terms = Terms { flow: opened.flow(flow), begun, deadline };
                    let started = Started { index, opened, room, terms };
                    // Nothing runs before the first poll, so all of them are admitted before one is sent.
                    in_flight.push(started.send(Arc::clone(self)));
                }
                Err(why) => {
                    full.get_or_insert(why);
                    let push = opened.push;
                    let (id, labels) = (push.id.into_string(), push.body.labels.clone());
                    let refused = Refused::no_room(id, labels, why, no_room_for_one(why));
                    self.metrics.refused(refused.reason_name());
                    results.push(refused.settle(index, None));
                }
            }
        }
        if let Some(why) = full.filter(|_| in_flight.is_empty()) {
            return Err(why);
        }
        while let Some(settled) = in_flight.next().await {
            results.push(settled.without_body());
        }
        results.sort_unstable_by_key(|settled| settled.index);
        Ok(results)
    }
}

fn no_room_for_one(why: NoRoom) -> &'static str {
    match why {
        NoRoom::OverRate(_) => "the caller's rate has room for a part of the call",
        NoRoom::Full(_) => "the gateway has room for a part of the call (limits.max_in_flight)",
        NoRoom::OverBudget => OVER_BUDGET,
        NoRoom::Draining => "the gateway is shutting down",
    }
}
