//! Who is served next, and who is told at once that the wait is too long.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn bulk(parties: [(u32, u8); 2], id: u64) -> Flow {
    Flow {
        class: ServiceClass::Bulk,
        parties: parties.map(|(id, weight)| Party { id, weight }),
        id,
        depends_on: 0,
    }
}

/// A party or a flow: its number, after that of its class and those of the parties that it is a part of.
pub(super) type Share = Vec<u64>;

/// The parties of a flow, and the flow itself.
pub(super) fn shares(flow: Flow) -> [Share; 3] {
    let [first, second] = flow.parties.map(|party| u64::from(party.id));
    let all = [u64::from(flow.class == ServiceClass::Bulk), first, second, flow.id];
    [all[..2].to_vec(), all[..3].to_vec(), all.to_vec()]
}

/// Those who wait, each told by its number.
struct Line {
    waiters: Waiters<usize>,
    now: Instant,
    /// Everybody who has waited, and the parties of each.
    all: Vec<(WaiterId, [u32; 2])>,
}

impl Line {
    fn new() -> Self {
        Self { waiters: Waiters::default(), now: Instant::now(), all: Vec::new() }
    }

    fn push(&mut self, flow: Flow) -> usize {
        let ask = StreamAsk { flow, until: self.now + Duration::from_secs(1), seniority: Seniority::New };
        let number = self.all.len();
        let id = self.waiters.push(self.now, ask, number);
        self.all.push((id, flow.parties.map(|party| party.id)));
        number
    }

    fn leave(&mut self, number: usize) {
        self.waiters.leave(self.all[number].0);
    }

    fn pop(&mut self) -> Option<usize> {
        self.waiters.pop(self.now, ServiceClass::Bulk, |_| {})
    }

    /// Serves everybody, and returns the parties of each.
    fn serve_all(&mut self) -> Vec<[u32; 2]> {
        std::iter::from_fn(|| self.pop())
            .collect::<Vec<_>>()
            .into_iter()
            .map(|number| self.all[number].1)
            .collect()
    }
}

#[test]
fn a_party_is_given_as_many_streams_in_its_turn_as_its_weight_says() {
    let mut line = Line::new();
    for (id, weight) in [(1, 3), (2, 1), (3, 0)] {
        (0..5).for_each(|_| _ = line.push(bulk([(id, weight), (0, 1)], 1)));
    }
    let served = line.serve_all().into_iter().map(|[caller, _]| caller);
    assert_eq!(served.collect::<Vec<_>>(), [1, 1, 1, 2, 3, 1, 1, 2, 3, 2, 3, 2, 3, 2, 3]);
}

#[test]
fn what_a_party_is_given_is_shared_by_its_own_parties_and_the_flows_of_those_take_turns() {
    let mut line = Line::new();
    for (first, second, flow) in [(1, 10, 1), (1, 10, 2), (1, 11, 3), (2, 10, 4)] {
        (0..4).for_each(|_| _ = line.push(bulk([(first, 1), (second, 1)], flow)));
    }
    let served = line.serve_all();
    let half: Vec<_> = served.iter().take(8).collect();
    assert_eq!(half, [&[1, 10], &[2, 10], &[1, 11], &[2, 10], &[1, 10], &[2, 10], &[1, 11], &[2, 10]]);
    assert_eq!(served.len(), 16);
}

#[test]
fn a_share_that_nobody_asks_for_goes_to_the_others() {
    let mut line = Line::new();
    line.push(bulk([(1, 255), (0, 1)], 1));
    (0..3).for_each(|_| _ = line.push(bulk([(2, 1), (0, 1)], 2)));
    let served = line.serve_all().into_iter().map(|[caller, _]| caller);
    assert_eq!(served.collect::<Vec<_>>(), [1, 2, 2, 2]);
}

#[test]
fn a_wait_is_counted_in_the_turns_of_the_party_that_waits() {
    let mut line = Line::new();
    assert_eq!(line.waiters.turns_until(bulk([(1, 1), (0, 1)], 1)), 1);
    (0..1000).for_each(|_| _ = line.push(bulk([(1, 3), (0, 1)], 1)));
    let until = |flow| line.waiters.turns_until(flow);
    assert_eq!(until(bulk([(1, 3), (0, 1)], 1)), 1001);
    assert_eq!(until(bulk([(1, 3), (0, 1)], 2)), 2, "flows take turns");
    assert_eq!(until(bulk([(1, 3), (5, 1)], 2)), 2, "so do the parties of a party");
    assert_eq!(until(bulk([(2, 1), (0, 1)], 2)), 4, "after a turn of the others");
    assert_eq!(until(Flow::SINGLE), 1, "the interactive go first");
}

/// A core whose only connection grants each of its streams anew to somebody who waits, 100 in a second, with so many of
/// one party in line.
fn busy(waiting: u32) -> Bench {
    let mut bench = Bench::new();
    bench.core.limits.max_waiters = 10_000;
    bench.core.growth = Growth::new(1);
    bench.add_proven(1, 10);
    while bench.take(BULK).is_some() {}
    (0..waiting).for_each(|_| _ = bench.wait(BULK));
    // The first of them begins the measurement.
    for _ in 0..=50 {
        bench.now += Duration::from_millis(10);
        assert_eq!(granted(&bench.on_connection(1, ConnectionEvent::Returned)).len(), 1);
        bench.wait(BULK);
    }
    bench
}

fn ask(bench: &mut Bench, flow: Flow, within: Duration) -> Result<(), Refusal<&'static str>> {
    let ask = StreamAsk { flow, until: bench.now + within, seniority: Seniority::New };
    bench.core.ask(bench.now, ask).map(|grant| assert_eq!(grant, None))
}

#[test]
fn who_would_wait_far_beyond_its_deadline_is_refused_at_once_with_the_wait() {
    let mut bench = busy(1000);
    let second = Duration::from_secs(1);
    let Err(Refusal::TooLong(wait)) = ask(&mut bench, BULK, second) else { panic!("it would wait in vain") };
    assert_eq!(wait.as_secs_f64().round(), 10.0);
    assert_eq!(ask(&mut bench, BULK, 6 * second), Ok(()), "the wait is only estimated");
    let other = Flow { parties: [Party { id: 9, weight: 1 }, Party::NOBODY], ..BULK };
    assert_eq!(ask(&mut bench, other, second), Ok(()), "others do not pay for the long line of one");
    let late = StreamAsk { seniority: Seniority::Returned, ..bench.ask_as(BULK, Seniority::New) };
    assert_eq!(bench.core.ask(bench.now, late), Ok(None), "it has waited already");
}

#[test]
fn a_wait_that_is_not_known_is_not_too_long() {
    let moment = Duration::from_millis(1);
    assert_eq!(ask(&mut busy(90), BULK, moment), Ok(()), "few wait");
    let mut bench = busy(1000);
    bench.on_connection(1, ConnectionEvent::Limit(20));
    assert_eq!(ask(&mut bench, BULK, moment), Ok(()), "there are more streams now");
    let mut bench = busy(1000);
    bench.now += Duration::from_secs(3);
    assert_eq!(ask(&mut bench, BULK, moment), Ok(()), "nothing was granted for long");
    let mut bench = busy(1000);
    bench.on_connection(1, ConnectionEvent::Closed(EndCause::Io));
    assert_eq!(ask(&mut bench, BULK, moment), Ok(()), "a connection is missing");
    for (event, why) in [
        (Event::Connection(1, ConnectionEvent::Quiet), "a connection rests"),
        (Event::Slept, "any connection may be gone"),
    ] {
        let mut bench = busy(1000);
        bench.on(event);
        assert_eq!(ask(&mut bench, BULK, moment), Ok(()), "{why}");
    }
}

/// The parties of a level, with their weights.
fn weights() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1..20_u8, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// While all of them wait, whoever leaves meanwhile and however many flows each has, the parties of both levels are
    /// served by their weights, within a tenth, and nobody waits for more than a round of all others.
    #[test]
    fn parties_that_always_wait_are_served_by_their_weights(
        levels in [weights(), weights()],
        flows in 1..4_u64,
        leaves in prop::collection::vec(0..1000_usize, 0..40),
        more in 0..400_usize,
    ) {
        let mut line = Line::new();
        let [firsts, seconds] = levels.map(|weights| (0_u32..).zip(weights).collect::<Vec<_>>());
        let mut flow = 0;
        let mut come = |line: &mut Line, [first, second]: [u32; 2]| {
            flow += 1;
            line.push(bulk([firsts[first as usize], seconds[second as usize]], flow % flows))
        };
        for first in 0..firsts.len() as u32 {
            for second in 0..seconds.len() as u32 {
                (0..4).for_each(|_| _ = come(&mut line, [first, second]));
            }
        }
        let sum = |level: &[(u32, u8)]| level.iter().map(|(_, weight)| usize::from(*weight)).sum::<usize>();
        let round = sum(&firsts) * sum(&seconds);
        let total = 12 * round + more % round;
        let mut served = BTreeMap::<[u32; 2], Vec<usize>>::new();
        let mut leaves = leaves.into_iter();
        for at in 0..total {
            if let Some(leaver) = leaves.next().filter(|leaver| *leaver < line.all.len()) {
                // Somebody else of its parties comes first, so that they always wait.
                let parties = line.all[leaver].1;
                come(&mut line, parties);
                line.leave(leaver);
            }
            let next = line.pop().unwrap();
            let parties = line.all[next].1;
            served.entry(parties).or_default().push(at);
            come(&mut line, parties);
        }
        prop_assert_eq!(served.len(), firsts.len() * seconds.len(), "nobody starves");
        for ([first, second], served) in served {
            let share = usize::from(firsts[first as usize].1) * usize::from(seconds[second as usize].1);
            let due = total * share / round;
            prop_assert!(served.len().abs_diff(due) <= due / 10 + 1, "{}, and {} were due", served.len(), due);
            let longest = served.windows(2).map(|two| two[1] - two[0]).max().unwrap();
            prop_assert!(longest <= round + sum(&firsts), "{longest} others in a round of {round}");
        }
    }

    /// Whoever comes, leaves and is served: nobody is forgotten, and nothing is kept of those who are gone.
    #[test]
    fn who_waits_is_served_or_leaves_and_nothing_is_kept_then(
        steps in prop::collection::vec((any::<bool>(), [0..3_u32, 0..3_u32], 0..3_u64, 0..3_u8, 0..64_usize), 0..200),
    ) {
        let mut line = Line::new();
        let mut waiting = BTreeSet::new();
        for (comes, [first, second], flow, weight, which) in steps {
            let leaver = waiting.iter().nth(which).copied();
            if comes {
                let flow = bulk([(first, weight), (second, weight + 1)], flow);
                waiting.insert(line.push(flow));
                prop_assert!(line.waiters.turns_until(flow) <= waiting.len() + 1);
            } else if let Some(leaver) = leaver {
                line.leave(leaver);
                waiting.remove(&leaver);
            } else {
                let served = line.pop();
                prop_assert_eq!(served.is_some(), !waiting.is_empty());
                prop_assert!(served.is_none_or(|served| waiting.remove(&served)), "it is served once");
            }
            prop_assert_eq!(line.waiters.len(), waiting.len());
        }
        let rest: BTreeSet<_> = std::iter::from_fn(|| line.pop()).collect();
        prop_assert_eq!(rest, waiting);
        prop_assert_eq!((line.waiters.len(), line.waiters.groups()), (0, 0));
    }
}
