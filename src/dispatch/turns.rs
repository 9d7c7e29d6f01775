//! Turns: work that keeps a worker of the runtime busy is done by few pushes at a time, so that everything else that is
//! ready runs between two pieces of it.

use fanfare_upstream::ServiceClass;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The line of those who have such work. The interactive overtake bulk that waits, except for as much bulk as there are
/// places; within a class the first to come is the first to go.
#[derive(Debug)]
pub(super) struct Turns {
    places: Semaphore,
    /// Bulk takes one of these before it joins the line, so that the line never holds more bulk than there are places.
    bulk: Semaphore,
}

/// The deadline passed before there was a turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLate;

impl Turns {
    /// A line in which `places` pieces of work may be done at once.
    pub(super) fn new(places: usize) -> Self {
        Self { places: Semaphore::new(places.max(1)), bulk: Semaphore::new(places.max(1)) }
    }

    /// A line with one place for each worker of the runtime that this is called in.
    pub(super) fn of_runtime() -> Self {
        Self::new(tokio::runtime::Handle::try_current().map_or(1, |it| it.metrics().num_workers()))
    }

    /// Does a piece of work when its turn has come, and lets all else that is ready run before the next in line.
    ///
    /// # Errors
    /// Fails if the turn had not come by the deadline.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place, in the line or at work.
    pub(super) async fn take<T>(
        &self,
        class: ServiceClass,
        deadline: Instant,
        work: impl FnOnce() -> T,
    ) -> Result<T, TooLate> {
        // Neither semaphore is ever closed.
        let turn = async {
            let bulk = match class {
                ServiceClass::Interactive => None,
                ServiceClass::Bulk => self.bulk.acquire().await.ok(),
            };
            (bulk, self.places.acquire().await.ok())
        };
        let place = tokio::time::timeout_at(deadline, turn).await.map_err(|_| TooLate)?;
        let done = work();
        // A task that yields runs again after all tasks that are ready; until then it keeps its place.
        tokio::task::yield_now().await;
        drop(place);
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use futures_util::StreamExt;
    use futures_util::stream::FuturesUnordered;
    use tokio::sync::mpsc;
    use tokio::task::JoinSet;

    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Event {
        Sealed(ServiceClass, usize),
        Stepped,
    }

    #[derive(Default)]
    struct Order(Mutex<Vec<Event>>);

    impl Order {
        fn note(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }

        fn events(&self) -> Vec<Event> {
            self.0.lock().unwrap().clone()
        }
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    /// So many who have work, each a task of its own.
    fn flood(
        tasks: &mut JoinSet<()>,
        turns: &Arc<Turns>,
        order: &Arc<Order>,
        class: ServiceClass,
        many: usize,
    ) {
        for number in 0..many {
            let (turns, order) = (Arc::clone(turns), Arc::clone(order));
            tasks.spawn(async move {
                turns.take(class, later(), || order.note(Event::Sealed(class, number))).await.unwrap();
            });
        }
    }

    /// As many in one task, as the items of a batch are.
    fn batch(tasks: &mut JoinSet<()>, turns: &Arc<Turns>, order: &Arc<Order>, many: usize) {
        let (turns, order) = (Arc::clone(turns), Arc::clone(order));
        tasks.spawn(async move {
            let seal = |number| Event::Sealed(ServiceClass::Bulk, number);
            let items = (0..many).map(|number| {
                let order = &order;
                turns.take(ServiceClass::Bulk, later(), move || order.note(seal(number)))
            });
            let mut items: FuturesUnordered<_> = items.collect();
            while let Some(done) = items.next().await {
                done.unwrap();
            }
        });
    }

    /// Another caller: two tasks that hand a ball to each other, so one of them is ready at all times.
    fn other_caller(order: &Arc<Order>) -> [tokio::task::JoinHandle<()>; 2] {
        let ((to_second, mut from_first), (to_first, mut from_second)) = (mpsc::channel(1), mpsc::channel(1));
        to_second.try_send(()).unwrap();
        let noted = Arc::clone(order);
        let first = tokio::spawn(async move {
            while from_second.recv().await.is_some() {
                noted.note(Event::Stepped);
                to_second.send(()).await.unwrap();
            }
        });
        let second = tokio::spawn(async move {
            while from_first.recv().await.is_some() {
                to_first.send(()).await.unwrap();
            }
        });
        [first, second]
    }

    #[tokio::test]
    async fn between_two_steps_of_another_caller_no_more_is_sealed_than_there_are_places() {
        for places in [1, 2] {
            let (turns, order) = (Arc::new(Turns::new(places)), Arc::<Order>::default());
            let mut tasks = JoinSet::new();
            flood(&mut tasks, &turns, &order, ServiceClass::Interactive, 400);
            flood(&mut tasks, &turns, &order, ServiceClass::Bulk, 400);
            batch(&mut tasks, &turns, &order, 200);
            let other = other_caller(&order);
            while let Some(done) = tasks.join_next().await {
                done.unwrap();
            }
            other.iter().for_each(tokio::task::JoinHandle::abort);

            let events = order.events();
            let between: Vec<_> = events.split(|it| *it == Event::Stepped).map(<[_]>::len).collect();
            assert_eq!(between.iter().sum::<usize>(), 1000, "each was sealed");
            assert!(between.iter().all(|sealed| *sealed <= places), "{places} places: {between:?}");
        }
    }

    #[tokio::test]
    async fn the_interactive_overtake_bulk_that_waits_and_each_class_keeps_its_order() {
        let places = 2;
        let (turns, order) = (Arc::new(Turns::new(places)), Arc::<Order>::default());
        let mut tasks = JoinSet::new();
        flood(&mut tasks, &turns, &order, ServiceClass::Bulk, 100);
        flood(&mut tasks, &turns, &order, ServiceClass::Interactive, 100);
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let events = order.events();
        let of = |class| {
            let numbers = events.iter().filter_map(move |event| match event {
                Event::Sealed(of, number) if *of == class => Some(*number),
                Event::Sealed(..) | Event::Stepped => None,
            });
            numbers.collect::<Vec<_>>()
        };
        let all: Vec<_> = (0..100).collect();
        assert_eq!((of(ServiceClass::Bulk), of(ServiceClass::Interactive)), (all.clone(), all));
        let last = events.iter().rposition(|it| matches!(it, Event::Sealed(ServiceClass::Interactive, _)));
        let before = last.unwrap() + 1 - 100;
        // Those that were at work, and those that had joined the line in their stead.
        assert!(before <= 2 * places, "{before} of bulk went before the last of the interactive");
    }

    #[tokio::test(start_paused = true)]
    async fn whose_turn_does_not_come_in_time_does_nothing_and_holds_up_nobody() {
        let turns = Arc::new(Turns::new(1));
        let place = turns.places.acquire().await.unwrap();
        for class in [ServiceClass::Interactive, ServiceClass::Bulk] {
            let deadline = Instant::now() + Duration::from_secs(1);
            let late = turns.take(class, deadline, || unreachable!("it is too late")).await;
            assert_eq!(late.map(|(): ()| ()), Err(TooLate));
        }
        drop(place);
        for class in [ServiceClass::Interactive, ServiceClass::Bulk] {
            assert_eq!(turns.take(class, later(), || 7).await, Ok(7));
        }
    }

    #[tokio::test]
    async fn who_leaves_gives_up_the_place() {
        let turns = Turns::new(1);
        {
            let mut leaves = Box::pin(turns.take(ServiceClass::Bulk, later(), || ()));
            // It has done its work, and yields.
            assert!(futures_util::poll!(leaves.as_mut()).is_pending());
            assert_eq!(turns.places.available_permits(), 0);
        }
        assert_eq!((turns.places.available_permits(), turns.bulk.available_permits()), (1, 1));
    }
}
