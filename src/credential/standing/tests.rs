use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::backoff::LONGEST;
use super::state::{Heard, Look, Standing, Ticket, Turn};

/// What happens next. A number chooses one of the attempts under way.
#[derive(Debug, Clone)]
enum Step {
    Begin,
    End(usize, Heard),
    Pass(Duration),
}

fn step() -> impl Strategy<Value = Step> {
    let heard = prop_oneof![
        6 => Just(Heard::Refused),
        2 => Just(Heard::RefusedOld),
        2 => Just(Heard::Taken),
        3 => Just(Heard::Nothing),
    ];
    prop_oneof![
        4 => Just(Step::Begin),
        4 => (any::<usize>(), heard).prop_map(|(which, heard)| Step::End(which, heard)),
        2 => (0..90_000_u64).prop_map(|ms| Step::Pass(Duration::from_millis(ms))),
    ]
}

/// A standing, and what was seen of it.
struct Model {
    standing: Standing,
    now: Instant,
    under_way: Vec<Ticket>,
    /// Refusals in a row of attempts that began since it last opened.
    in_a_row: u32,
    shut: bool,
    opened: u32,
    /// When a probe was refused last, or the standing shut.
    refused_at: Instant,
}

impl Model {
    fn new() -> Self {
        let now = Instant::now();
        let (standing, under_way) = Default::default();
        Self { standing, now, under_way, in_a_row: 0, shut: false, opened: 0, refused_at: now }
    }

    fn probing(&self) -> usize {
        self.under_way.iter().filter(|ticket| ticket.probe && ticket.opened == self.opened).count()
    }

    fn begin(&mut self) {
        let probing = self.probing();
        match self.standing.ask(self.now) {
            Some(ticket) => {
                assert_eq!((ticket.opened, ticket.probe), (self.opened, self.shut));
                if self.shut {
                    assert_eq!(probing, 0, "two probes at a time");
                    assert!(self.now > self.refused_at, "a probe at once after a refusal");
                }
                self.under_way.push(ticket);
            }
            None => {
                assert!(self.shut, "a good credential lets every push pass");
                let waited = self.now - self.refused_at;
                assert!(probing == 1 || waited < LONGEST, "no probe after {waited:?}");
            }
        }
    }

    fn end(&mut self, which: usize, heard: Heard) {
        let Some(which) = which.checked_rem(self.under_way.len()) else { return };
        let ticket = self.under_way.swap_remove(which);
        let current = ticket.opened == self.opened;
        let turn = self.standing.hear(self.now, ticket, heard, 0.5);
        let expected = match heard {
            Heard::Taken => {
                self.in_a_row = 0;
                std::mem::take(&mut self.shut)
            }
            Heard::Refused if current && !self.shut => {
                self.in_a_row += 1;
                self.shut = self.in_a_row == 2;
                self.shut
            }
            Heard::Refused | Heard::RefusedOld | Heard::Nothing => false,
        };
        assert_eq!(turn.is_some(), expected, "{heard:?} {ticket:?}");
        match turn {
            Some(Turn::Shut) => assert!(self.shut),
            Some(Turn::Opened(_)) => {
                assert!(!self.shut);
                self.opened += 1;
            }
            None => {}
        }
        let probe_refused = ticket.probe && current && matches!(heard, Heard::Refused | Heard::RefusedOld);
        if turn == Some(Turn::Shut) || probe_refused {
            self.refused_at = self.now;
        }
        self.holds();
    }

    fn holds(&self) {
        let expected = match (self.shut, self.in_a_row) {
            (true, _) => Look::Shut,
            (false, 0) => Look::Good,
            (false, _) => Look::Doubtful,
        };
        assert_eq!((self.standing.look(), self.standing.opened()), (expected, self.opened));
        assert_eq!(self.standing.shut_since().is_some(), self.shut);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Two refusals in a row of attempts that began since it opened shut it, and nothing else does; any other answer opens
    /// it; meanwhile one push at a time asks, not at once after a refusal and never later than a minute after it; no answer
    /// changes nothing.
    #[test]
    fn whatever_happens_a_refused_credential_is_asked_about_now_and_then(
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Begin => model.begin(),
                Step::End(which, heard) => model.end(which, heard),
                Step::Pass(time) => model.now += time,
            }
        }
    }
}

/// A standing that two refusals have shut.
fn shut(now: Instant) -> Standing {
    let mut standing = Standing::default();
    let tickets = [(); 2].map(|()| standing.ask(now).unwrap());
    let turns = tickets.map(|ticket| standing.hear(now, ticket, Heard::Refused, 0.0));
    assert_eq!(turns, [None, Some(Turn::Shut)]);
    standing
}

#[test]
fn a_probe_that_brings_no_answer_leaves_its_place_to_the_next_push_at_once() {
    let now = Instant::now();
    let mut standing = shut(now);
    assert_eq!(standing.ask(now), None);
    let later = now + Duration::from_secs(1);
    let probe = standing.ask(later).unwrap();
    assert_eq!(standing.ask(later), None, "one at a time");
    standing.hear(later, probe, Heard::Nothing, 0.0);
    let probe = standing.ask(later).unwrap();
    standing.hear(later, probe, Heard::RefusedOld, 0.0);
    assert_eq!(standing.ask(later + Duration::from_secs(1)), None, "the wait has doubled");
    assert!(standing.ask(later + Duration::from_secs(2)).is_some());
}

#[test]
fn what_began_before_it_opened_cannot_shut_it_and_any_answer_opens_it() {
    let now = Instant::now();
    let mut standing = Standing::default();
    let early = [(); 5].map(|()| standing.ask(now).unwrap());
    standing.hear(now, early[0], Heard::Refused, 0.0);
    standing.hear(now, early[1], Heard::Refused, 0.0);
    let opened = standing.hear(now + Duration::from_secs(3), early[2], Heard::Taken, 0.0);
    assert_eq!(opened, Some(Turn::Opened(Duration::from_secs(3))));
    for late in &early[3..] {
        assert_eq!(standing.hear(now, *late, Heard::Refused, 0.0), None);
    }
    assert_eq!(standing.look(), Look::Good);
}

#[test]
fn a_refusal_between_other_answers_is_forgotten() {
    let now = Instant::now();
    let mut standing = Standing::default();
    for heard in [Heard::Refused, Heard::Taken, Heard::Refused, Heard::RefusedOld, Heard::Nothing] {
        let ticket = standing.ask(now).unwrap();
        assert_eq!(standing.hear(now, ticket, heard, 0.0), None);
    }
    assert_eq!(standing.look(), Look::Doubtful);
}
