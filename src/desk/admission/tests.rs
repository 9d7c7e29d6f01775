use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::dispatch::Window;

fn sharers<const N: usize>() -> [Sharer; N] {
    std::array::from_fn(|_| Sharer::default())
}

fn count(sharer: &Sharer) -> usize {
    sharer.in_flight().map_or(0, |party| party.count())
}

#[test]
fn bulk_leaves_a_fifth_to_others() {
    for limit in 1..100 {
        let admission = Admission::new(limit, Arc::default());
        let [caller, app] = &sharers();
        let take_all =
            |class| std::iter::from_fn(|| admission.admit(class, [caller, app]).ok()).collect::<Vec<_>>();
        let bulk = take_all(ServiceClass::Bulk);
        let interactive = take_all(ServiceClass::Interactive);
        assert_eq!(bulk.len(), limit - limit / 5);
        assert_eq!(interactive.len(), limit / 5 - limit / 17, "of {limit}");
        drop((bulk, interactive));
        assert_eq!((admission.in_flight(), count(app), count(caller)), (0, 0, 0));
    }
}

#[test]
fn an_app_that_holds_what_it_may_leaves_room_for_the_other_apps_of_its_caller() {
    for class in [ServiceClass::Interactive, ServiceClass::Bulk] {
        let admission = Admission::new(10_000, Arc::default());
        let [caller, dead, healthy] = &sharers();
        let held: Vec<_> = std::iter::from_fn(|| admission.admit(class, [caller, dead]).ok()).collect();
        assert_eq!(admission.admit(class, [caller, dead]).unwrap_err(), Unadmitted::AppFull);
        let others =
            std::iter::from_fn(|| admission.admit(class, [caller, healthy]).ok()).collect::<Vec<_>>();
        let left = 10_000 - held.len();
        assert!(others.len() > left / 2, "{} of the {left} that were left", others.len());
        let [newcomer] = &sharers();
        assert!(admission.admit(class, [newcomer, healthy]).is_ok(), "a caller leaves room for others");
    }
}

#[test]
fn who_finds_no_room_is_told_a_wait_that_grows_for_it_alone() {
    let admission = Admission::new(1, Arc::default());
    let [caller, app, other] = &sharers();
    let _room = admission.admit(ServiceClass::Interactive, [caller, app]).unwrap();
    let refused = |app| {
        let told = admission.admit(ServiceClass::Bulk, [caller, app]).unwrap_err().told([caller, app]);
        told.wait().unwrap()
    };
    let first = refused(app);
    (0..1000).for_each(|_| _ = refused(app));
    assert!(refused(app) > 10 * first && refused(other) < 2 * first);
}

#[test]
fn who_waits_for_room_is_told_when_there_is_some_and_when_there_will_be_none() {
    let admission = Admission::new(1, Arc::default());
    let [caller, app] = &sharers();
    let room = admission.admit(ServiceClass::Interactive, [caller, app]).unwrap();
    let mut waits = Box::pin(admission.admitted(ServiceClass::Interactive, [caller, app]));
    assert!(waits.as_mut().now_or_never().is_none());
    drop(room);
    let _room = waits.now_or_never().unwrap().unwrap();
    let mut waits = Box::pin(admission.admitted(ServiceClass::Interactive, [caller, app]));
    assert!(waits.as_mut().now_or_never().is_none());
    admission.drain();
    assert!(waits.now_or_never().unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn who_waits_finds_room_that_came_while_it_did_not_look() {
    let admission = Admission::new(10, Arc::default());
    let [caller, app, other] = &sharers();
    let mut rooms: Vec<_> =
        (0..10).map(|_| admission.admit(ServiceClass::Interactive, [caller, other]).unwrap()).collect();
    let mut bulk = std::pin::pin!(admission.admitted(ServiceClass::Bulk, [caller, other]));
    assert!(bulk.as_mut().now_or_never().is_none());
    // One place is not enough for one who holds nine. It is for one who holds none.
    rooms.pop();
    assert!(bulk.as_mut().now_or_never().is_none());
    let _other = admission.admitted(ServiceClass::Bulk, [caller, app]).now_or_never().unwrap().unwrap();
    rooms.truncate(2);
    assert!(tokio::time::timeout(Duration::from_secs(1), bulk).await.unwrap().is_some());
}

#[test]
fn a_drained_gateway_is_idle_when_the_last_push_ends() {
    let admission = Admission::new(1, Arc::default());
    let [caller, app] = &sharers();
    let room = admission.admit(ServiceClass::Interactive, [caller, app]).unwrap();
    admission.drain();
    let mut idle = Box::pin(admission.idle());
    assert!(idle.as_mut().now_or_never().is_none());
    drop(room);
    assert!(idle.now_or_never().is_some());
}

#[test]
fn a_result_holds_the_seat_of_its_item_until_it_is_delivered() {
    let admission = Admission::new(2, Arc::default());
    let [caller, app] = &sharers();
    let window = Window::new(1, 0);
    let room = || admission.admit(ServiceClass::Interactive, [caller, app]).unwrap();
    let seat = room().with_seat(window.try_enter().unwrap()).into_seat().unwrap();
    assert_eq!(admission.in_flight(), 0, "a result takes nothing of what may be in flight");
    assert!(seat.hold_until_delivered());
    assert!(window.try_enter().is_none());
    window.delivered(1);
    assert!(window.try_enter().is_some());
    assert!(room().into_seat().is_none(), "a push that is no item has none");
}

#[test]
fn a_draining_gateway_admits_nothing() {
    let admission = Admission::new(10, Arc::default());
    let [caller, app] = &sharers();
    let room = admission.admit(ServiceClass::Interactive, [caller, app]).unwrap();
    admission.drain();
    let refused = admission.admit(ServiceClass::Interactive, [caller, app]).unwrap_err();
    assert_eq!((refused, admission.in_flight()), (Unadmitted::Draining, 1));
    drop(room);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever one app takes and gives back, by however many callers and in whichever class, and likewise one caller for
    /// however many apps: others that hold little always find room.
    #[test]
    fn no_schedule_lets_one_take_what_leaves_another_none(
        limit in 200..2000_usize,
        by_caller in any::<bool>(),
        steps in prop::collection::vec((0..8_u8, any::<bool>(), 0..4_usize, 1..400_usize), 0..60),
    ) {
        let admission = Admission::new(limit, Arc::default());
        let (greedy, beside) = (Sharer::default(), sharers::<4>());
        let little = sharers::<8>();
        // A caller may hold four times as much as an app, so it leaves less.
        let most_of_others = if by_caller { limit / (INTERACTIVE * OF_CALLER + 1) } else { limit / (INTERACTIVE + 1) };
        let (mut held, mut of_others) = (Vec::new(), Vec::new());
        for (step, bulk, which, many) in steps {
            let class = if bulk { ServiceClass::Bulk } else { ServiceClass::Interactive };
            match step {
                0..=4 => {
                    let other = &beside[which];
                    let sharers = if by_caller { [&greedy, other] } else { [other, &greedy] };
                    held.extend(std::iter::from_fn(|| admission.admit(class, sharers).ok()).take(many));
                }
                5 => held.truncate(many),
                6 if of_others.len() + 2 < most_of_others.min(little.len() / 2) => {
                    let at = of_others.len() * 2;
                    let room = admission.admit(class, [&little[at], &little[at + 1]]);
                    prop_assert!(room.is_ok(), "{} of {limit} are taken by one", held.len());
                    of_others.extend(room);
                }
                _ => of_others.clear(),
            }
            prop_assert!(admission.in_flight() <= limit);
            prop_assert_eq!(count(&greedy), held.len());
        }
        drop((held, of_others));
        prop_assert_eq!((admission.in_flight(), count(&greedy)), (0, 0));
        prop_assert!(beside.iter().chain(&little).all(|sharer| count(sharer) == 0));
    }
}
