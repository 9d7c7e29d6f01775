//! The table over drawn schedules, against a model of what it promises.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;

use tokio::time::Instant;

use super::table::{Claim, Ended, Entry, FirstVerdict, Joined, Table};
use super::*;
use crate::desk::draft::OptionsDraft;
use crate::push::{Content, Delivery, Outcome, PushResult, Reason};

const WINDOW: Duration = Duration::from_secs(10);

/// As many verdicts at most as one claim forgets, so that the model knows which are left.
const MAX: usize = 4;

fn table(max: usize) -> Table {
    Table::new(OnceSettings { window: WINDOW, max })
}

fn push(id: u8, content: u8) -> OncePush {
    OncePush { key: Digest::of(&id), fingerprint: Digest::of(&content) }
}

fn verdict(delivery: Delivery, name: usize) -> PushResult {
    let (outcome, reason) = (Outcome::Accepted, Reason::UpstreamAnswered);
    PushResult { delivery, upstream_id: name.to_string(), ..PushResult::unsent(outcome, reason, "") }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Comes { id: u8, content: u8 },
    Settles { which: usize, delivery: Delivery },
    Leaves { which: usize, in_doubt: u32 },
    Passes { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let delivery = prop_oneof![Just(Delivery::No), Just(Delivery::Accepted), Just(Delivery::Maybe)];
    prop_oneof![
        6 => (0..7_u8, 0..8_u8).prop_map(|(id, content)| Step::Comes { id, content: u8::from(content == 0) }),
        3 => (any::<usize>(), delivery).prop_map(|(which, delivery)| Step::Settles { which, delivery }),
        1 => (any::<usize>(), 0..3_u32).prop_map(|(which, in_doubt)| Step::Leaves { which, in_doubt }),
        1 => (1..8_u64).prop_map(|seconds| Step::Passes { seconds }),
    ]
}

/// What the table promises, in the simplest words.
#[derive(Default)]
struct Model {
    in_flight: HashMap<u8, (u8, Vec<FirstVerdict>)>,
    /// The id, its content, the end of its window and its verdict; the oldest first.
    recorded: Vec<(u8, u8, Instant, PushResult)>,
}

impl Model {
    fn comes(&mut self, id: u8, content: u8, claim: Claim, now: Instant) {
        self.recorded.retain(|(_, _, until, _)| *until > now);
        if let Some((first, waiting)) = self.in_flight.get_mut(&id) {
            if *first != content {
                assert!(matches!(claim, Claim::Reused), "{claim:?} of another push in flight");
            } else if let Claim::Joined(Joined { verdict, .. }) = claim {
                waiting.push(verdict);
            } else {
                panic!("{claim:?} beside one in flight");
            }
        } else if let Some((_, first, _, result)) = self.recorded.iter().find(|(other, ..)| *other == id) {
            if *first != content {
                assert!(matches!(claim, Claim::Reused), "{claim:?} of another push that is recorded");
            } else if let Claim::Recorded(recorded) = claim {
                assert_eq!(*recorded, *result);
            } else {
                panic!("{claim:?} beside one that is recorded");
            }
        } else if self.in_flight.len() == MAX {
            assert!(matches!(claim, Claim::Full), "{claim:?} though all places are in flight");
        } else {
            assert!(matches!(claim, Claim::First(_)), "{claim:?} of one that nobody remembers");
            if self.in_flight.len() + self.recorded.len() == MAX {
                self.recorded.remove(0);
            }
            self.in_flight.insert(id, (content, Vec::new()));
        }
    }

    /// The first ended: all who joined are told the same, and only what may have been delivered is recorded.
    fn ends(&mut self, id: u8, result: Option<PushResult>, now: Instant) {
        let (content, waiting) = self.in_flight.remove(&id).unwrap();
        for joined in waiting {
            assert_eq!(joined.borrow().as_deref(), result.as_ref());
            assert!(joined.has_changed().is_err(), "nobody is left waiting");
        }
        if let Some(result) = result.filter(|result| result.delivery != Delivery::No) {
            self.recorded.push((id, content, now + WINDOW, result));
        }
    }

    /// One of those in flight.
    fn pick(&self, which: usize) -> Option<u8> {
        let mut ids: Vec<_> = self.in_flight.keys().copied().collect();
        ids.sort_unstable();
        ids.get(which % ids.len().max(1)).copied()
    }
}

proptest! {
    #[test]
    fn no_schedule_breaks_what_the_window_promises(steps in proptest::collection::vec(step(), 1..200)) {
        let (mut table, mut model) = (table(MAX), Model::default());
        let mut now = Instant::now();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Comes { id, content } => {
                    let claim = table.claim(&push(id, content), now);
                    model.comes(id, content, claim, now);
                }
                Step::Settles { which, delivery } => {
                    let Some(id) = model.pick(which) else { continue };
                    let result = verdict(delivery, number);
                    drop(table.end(&push(id, 0).key, Ended::Settled(result.clone()), now));
                    model.ends(id, Some(PushResult { of_first: true, ..result }), now);
                }
                Step::Leaves { which, in_doubt } => {
                    let Some(id) = model.pick(which) else { continue };
                    let told = table.end(&push(id, 0).key, Ended::Left { in_doubt }, now);
                    let result = told.result().cloned();
                    drop(told);
                    let said = result.as_ref().map(|it| (it.outcome, it.delivery, it.attempts, it.of_first));
                    let maybe = (Outcome::Unconfirmed, Delivery::Maybe, in_doubt, true);
                    prop_assert_eq!(said, (in_doubt > 0).then_some(maybe));
                    model.ends(id, result, now);
                }
                Step::Passes { seconds } => now += Duration::from_secs(seconds),
            }
            prop_assert!(table.len() <= MAX);
            prop_assert!(table.len() >= model.in_flight.len());
        }
    }
}

#[test]
fn many_old_verdicts_are_forgotten_a_few_at_a_time_and_none_of_them_is_told() {
    let (mut table, start) = (table(1000), Instant::now());
    for id in 0..100 {
        assert!(matches!(table.claim(&push(id, 0), start), Claim::First(_)));
        drop(table.end(&push(id, 0).key, Ended::Settled(verdict(Delivery::Accepted, 0)), start));
    }
    let later = start + WINDOW;
    assert!(
        matches!(table.claim(&push(99, 1), later), Claim::First(_)),
        "the last of them is not told any more"
    );
    assert!((80..100).contains(&table.len()), "{} are left", table.len());
    for id in 100..120 {
        assert!(matches!(table.claim(&push(id, 0), later), Claim::First(_)));
    }
    assert_eq!(table.len(), 21, "only those in flight are left");
}

#[test]
fn a_push_is_known_by_what_its_caller_gave() {
    let ttl = |seconds| OptionsDraft { ttl: Some(Duration::from_secs(seconds)), ..once() };
    let content = Content { data: [("k".to_owned(), "v".to_owned())].into(), ..Content::default() };
    let known = |draft: &OptionsDraft| said(&content, draft).unwrap();
    assert_eq!(known(&ttl(60)), known(&ttl(60)), "when it came is no part of it");
    assert_ne!(known(&ttl(60)), known(&ttl(61)));
    let mut patient = once();
    patient.options.max_wait = Some(Duration::from_secs(1));
    patient.options.repeatable = true;
    assert_eq!(known(&once()), known(&patient));
    assert_ne!(known(&once()), said(&Content::default(), &once()).unwrap());
    assert_eq!(said(&content, &OptionsDraft::default()), None);
}

/// Each part of what APNs alone reads is told, and the two zeros of a number are one.
#[test]
fn numbers_are_told_apart_by_their_value() {
    let with = |score: f64| {
        let apns = crate::push::ApnsContent { relevance_score: Some(score), ..Default::default() };
        said(&Content { apns: Some(Box::new(apns)), ..Content::default() }, &once()).unwrap()
    };
    assert_eq!(with(0.0), with(-0.0));
    assert_ne!(with(0.5), with(0.25));
}

/// The sample configuration and the page on calling say half a kilobyte, with the texts of a common result.
#[test]
fn what_is_remembered_is_small() {
    // Three quarters of a map's places are taken on the average, and those of a tree's nodes.
    let places = (size_of::<(Digest, Entry)>() + size_of::<(u64, Digest)>()) * 4 / 3;
    let bytes = places + size_of::<PushResult>();
    assert!(bytes <= 512 - 64, "{bytes} bytes");
}

fn once() -> OptionsDraft {
    let options = crate::push::Options { once: true, ..Default::default() };
    OptionsDraft { options, ttl: None }
}
