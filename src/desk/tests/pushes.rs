//! Pushes by themselves, and several of one call.

use std::num::NonZeroU32;
use std::sync::Mutex;

use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::*;
use crate::caller::jwt::Tokens;
use crate::caller::{CallerSettings, Callers, KnownByConnection, Permissions, Shown};
use crate::desk::settled::EchoedLabels;
use crate::held_bytes::BytesBudget;
use crate::push::{Delivery, Outcome, Reason};
use crate::sharer::Sharer;

#[tokio::test]
async fn a_push_is_its_own_again_in_its_result() {
    let front = Front::new(10, BatchSettings::default());
    let settled = front.desk.submit(&Caller::anyone(), dry_run(1), arrival()).await.unwrap();
    assert_eq!((settled.result.outcome, settled.id.as_str()), (Outcome::Validated, "push-1"), "{settled:?}");
    assert_eq!(settled.labels.into_labels()["order"], "17");
    let unnamed = Draft { id: String::new(), ..dry_run(2) };
    let settled = front.desk.submit(&Caller::anyone(), unnamed, arrival()).await.unwrap();
    assert!(!settled.id.is_empty(), "an id is made for it");
    assert_eq!(front.admission.in_flight(), 0);
}

#[tokio::test]
async fn a_push_to_an_upstream_that_cannot_be_reached_is_not_delivered() {
    let front = Front::new(10, BatchSettings::default());
    let arrival = Arrival { timeout: Some(Duration::from_millis(300)), ..arrival() };
    let sent = Draft { body: DraftBody::Own(body(false)), ..dry_run(1) };
    let settled = front.desk.submit(&Caller::anyone(), sent, arrival).await.unwrap();
    assert_eq!((settled.result.delivery, settled.result.attempts), (Delivery::No, 0), "{settled:?}");
}

#[tokio::test]
async fn a_full_desk_is_an_error_of_the_call_and_a_bad_push_is_not() {
    let front = Front::new(0, BatchSettings::default());
    let error = front.desk.submit(&Caller::anyone(), dry_run(1), arrival()).await.unwrap_err();
    assert!(matches!(error, NoRoom::Full(_)) && front.refused("OVERLOADED") == 1, "{error:?}");
    let bad = Draft { id: "with space".into(), ..dry_run(1) };
    let settled = front.desk.submit(&Caller::anyone(), bad, arrival()).await.unwrap();
    assert_eq!((settled.result.outcome, front.refused("FIELD_INVALID")), (Outcome::InvalidPush, 1));
    front.drain();
    let error = front.desk.submit(&Caller::anyone(), dry_run(1), arrival()).await.unwrap_err();
    assert_eq!((error, front.refused("DRAINING")), (NoRoom::Draining, 1));
    assert!(matches!(front.desk.open(Caller::anyone(), arrival()), Err(NoRoom::Draining)));
}

#[tokio::test]
async fn a_call_is_admitted_whole_before_one_push_is_sent() {
    let front = Front::new(10, BatchSettings::default());
    let send = |class, numbers: std::ops::Range<usize>| {
        let desk = Arc::clone(&front.desk);
        let drafts = numbers.map(|number| match number {
            3 => Draft { id: "with space".into(), ..dry_run(number) },
            _ => dry_run(number),
        });
        async move { desk.submit_all(&Caller::anyone(), drafts, class, arrival()).await }
    };
    // If one had its verdict before the last was admitted, its room would serve another.
    let results = send(ServiceClass::Bulk, 0..20).await.unwrap();
    let count = |outcome| results.iter().filter(|settled| settled.result.outcome == outcome).count();
    assert_eq!(count(Outcome::Validated), 8);
    assert_eq!((count(Outcome::NotAttempted), count(Outcome::InvalidPush)), (11, 1));
    assert!(results.iter().map(|settled| settled.index).eq(0..20));
    let keeps_its_body = |settled: &Settled| matches!(settled.labels, EchoedLabels::Of(_));
    assert!(!results.iter().any(keeps_its_body), "a result that waits for the others keeps no body");
    assert_eq!(results[19].result.reason, Some(Reason::Overloaded));
    let waits: Vec<_> = results.iter().filter_map(|settled| settled.result.retry_after).collect();
    assert_eq!(waits, [waits[0]; 11], "what found no room comes together, as it did before");
    assert_eq!(send(ServiceClass::Interactive, 4..24).await.unwrap().len(), 20);
    front.drain();
    assert_eq!(send(ServiceClass::Bulk, 0..2).await.unwrap_err(), NoRoom::Draining);
}

#[tokio::test]
async fn a_multicast_becomes_a_push_for_each_addressee() {
    let front = Front::new(10, BatchSettings::default());
    let addressees = (0..3).map(|number| Addressee {
        id: format!("to-{number}"),
        target: device(number),
        parent: Span::none(),
    });
    let caller = Caller::anyone();
    let drafts = front.desk.multicast(&caller, Ok(body(true)), Ok(None), addressees);
    let results = front.desk.submit_all(&caller, drafts, ServiceClass::Bulk, arrival());
    let results = results.await.unwrap();
    assert_eq!(results.len(), 3);
    for (number, settled) in results.into_iter().enumerate() {
        assert_eq!((settled.id, settled.result.outcome), (format!("to-{number}"), Outcome::Validated));
        assert_eq!(settled.labels.into_labels()["order"], "17");
    }
}

#[tokio::test]
async fn an_app_that_new_routes_do_not_have_is_unknown_from_then_on() {
    let front = Front::new(10, BatchSettings::default());
    let addressees =
        (0..2).map(|number| Addressee { id: String::new(), target: device(number), parent: Span::none() });
    let mut multicast = front.desk.multicast(&Caller::anyone(), Ok(body(true)), Ok(None), addressees);
    let mut submit = async || {
        let draft = multicast.next().unwrap();
        front.desk.submit(&Caller::anyone(), draft, arrival()).await.unwrap().result
    };
    assert_eq!(submit().await.outcome, Outcome::Validated);
    front.desk.swap_routes(Routes::default());
    assert_eq!(submit().await.reason, Some(Reason::AppUnknown));
}

/// The names of a span and of its parent.
type Child = (&'static str, Option<&'static str>);

/// Notes each span with its parent.
struct Parents(Arc<Mutex<Vec<Child>>>);

impl<S> tracing_subscriber::Layer<S> for Parents
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, _: &tracing::span::Attributes<'_>, id: &tracing::Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        self.0.lock().unwrap().push((span.name(), span.parent().map(|parent| parent.name())));
    }
}

#[tokio::test]
async fn the_span_of_a_push_is_a_child_of_the_span_that_came_with_its_draft() {
    let spans = Arc::<Mutex<Vec<_>>>::default();
    let subscriber = tracing_subscriber::registry().with(Parents(Arc::clone(&spans)));
    // Where one subscriber is there, tracing asks the thread that comes by a span first whether it is wanted, once for
    // all threads, and the threads of other tests want none. Where two are there, it asks both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _subscribed = tracing::subscriber::set_default(subscriber);
    let front = Front::new(10, BatchSettings::default());
    let parent = tracing::info_span!("callers_span");
    let traced = Draft { parent: parent.clone(), ..dry_run(1) };
    let _ = front.desk.submit(&Caller::anyone(), traced, arrival()).await.unwrap();
    let _ = front.desk.submit(&Caller::anyone(), dry_run(2), arrival()).await.unwrap();
    let mut batch = front.batch();
    batch.place().unwrap().offer(Draft { parent, ..dry_run(3) }).unwrap();
    while !matches!(batch.next().await, BatchEvent::Settled(_)) {}
    let spans: Vec<_> = spans.lock().unwrap().iter().filter(|(name, _)| *name == "push").copied().collect();
    let child = ("push", Some("callers_span"));
    assert_eq!(spans, [child, ("push", None), child]);
}

/// Whoever shows nothing, as a caller that may hand in one push a second.
fn paced(front: &Front) -> Caller {
    let anybody = CallerSettings {
        name: "anybody".to_owned(),
        permissions: Permissions::everything().at_most(NonZeroU32::MIN, NonZeroU32::MIN),
        keys: Vec::new(),
        certificate: None,
        token: None,
        anonymous: true,
    };
    let (tokens, budget) = (Arc::<Tokens>::default(), BytesBudget::new(1024));
    let callers = Callers::new(vec![anybody], tokens, budget, front.metrics.callers.clone());
    let shown = Shown {
        secret: None,
        authorization: None,
        certificates: &[],
        by_certificate: &KnownByConnection::default(),
        address: ([127, 0, 0, 1], 1).into(),
    };
    callers.find(&shown, SystemTime::now()).unwrap()
}

#[tokio::test]
async fn a_push_for_which_there_is_no_room_takes_no_turn_of_its_callers_rate() {
    let front = Front::new(1, BatchSettings::default());
    let caller = paced(&front);
    let [other, app] = [Sharer::default(), Sharer::default()];
    let room = front.admission.admit(ServiceClass::Interactive, [&other, &app]).unwrap();
    for number in 0..5 {
        let (one, all) = (dry_run(number), [dry_run(number)].into_iter());
        let refused = front.desk.submit(&caller, one, arrival()).await.unwrap_err();
        assert!(matches!(refused, NoRoom::Full(_)), "{refused:?}");
        let call = front.desk.submit_all(&caller, all, ServiceClass::Interactive, arrival());
        assert!(matches!(call.await.unwrap_err(), NoRoom::Full(_)));
    }
    drop(room);
    front.desk.submit(&caller, dry_run(5), arrival()).await.unwrap();
}
