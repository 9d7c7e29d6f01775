//! What became of a sender's pushes: what it says itself, against what the push service's journal has.

use std::time::Duration;

use serde_json::json;

use super::push_service::Arrived;
use super::pushes::PlannedPush;

/// What a sender says of a push in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// The push service accepted it.
    Accepted,
    /// It is not delivered, and will not be.
    Failed,
    /// The sender does not know whether it arrived.
    Unknown,
}

/// The books of one sender. Each push is counted in one of the first five lines.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Books {
    /// Accepted, as the sender says, and arrived once.
    pub(super) once: usize,
    /// The sender is done with it, and it never arrived.
    pub(super) lost: usize,
    /// It arrived twice or more, whatever the sender says.
    pub(super) doubled: usize,
    /// The sender says that it failed, and it arrived.
    pub(super) misreported: usize,
    /// The sender says that it does not know.
    pub(super) unknown: usize,
    /// How many of those arrived.
    pub(super) unknown_arrived: usize,
    pub(super) sockets: u64,
    pub(super) took: Duration,
}

impl Books {
    pub(super) fn of(claims: &[(PlannedPush, Claim)], arrived: &Arrived, took: Duration) -> Self {
        let mut books = Self { sockets: arrived.sockets, took, ..Self::default() };
        for (push, claim) in claims {
            let times = arrived.taken.get(&push.id()).copied().unwrap_or_default();
            let line = match (claim, times) {
                (_, 2..) => &mut books.doubled,
                (Claim::Accepted, 1) => &mut books.once,
                (Claim::Failed, 1) => &mut books.misreported,
                (Claim::Accepted | Claim::Failed, 0) => &mut books.lost,
                (Claim::Unknown, 0 | 1) => {
                    books.unknown_arrived += times as usize;
                    &mut books.unknown
                }
            };
            *line += 1;
        }
        books
    }

    pub(super) fn pushes(&self) -> usize {
        self.once + self.lost + self.doubled + self.misreported + self.unknown
    }

    /// Whether a sender keeps its word: nothing is lost or doubled or said to be what it is not, and no more is unknown than was
    /// in flight when something broke.
    pub(super) fn are_good(&self, in_flight: usize) -> bool {
        (self.lost, self.doubled, self.misreported) == (0, 0, 0) && self.unknown <= in_flight
    }

    pub(super) fn as_json(&self) -> serde_json::Value {
        json!({
            "pushes": self.pushes(),
            "accepted_and_arrived_once": self.once,
            "lost": self.lost,
            "doubled": self.doubled,
            "failed_but_arrived": self.misreported,
            "unknown": self.unknown,
            "unknown_that_arrived": self.unknown_arrived,
            "sockets": self.sockets,
            "seconds": self.took.as_secs_f64(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_push_is_in_one_line_by_what_is_said_and_what_arrived() {
        let claims = [
            (Claim::Accepted, 1),
            (Claim::Accepted, 0),
            (Claim::Accepted, 2),
            (Claim::Failed, 0),
            (Claim::Failed, 1),
            (Claim::Failed, 3),
            (Claim::Unknown, 0),
            (Claim::Unknown, 1),
            (Claim::Unknown, 2),
        ];
        let pushes = (0..).map(PlannedPush);
        let taken = pushes.clone().map(PlannedPush::id).zip(claims.map(|(_, times)| times)).collect();
        let claims: Vec<_> = pushes.zip(claims.map(|(claim, _)| claim)).collect();
        let books = Books::of(&claims, &Arrived { taken, sockets: 4 }, Duration::from_secs(1));
        let expected = Books {
            once: 1,
            lost: 2,
            doubled: 3,
            misreported: 1,
            unknown: 2,
            unknown_arrived: 1,
            sockets: 4,
            took: Duration::from_secs(1),
        };
        assert_eq!(books, expected);
        assert_eq!(books.pushes(), claims.len());
    }

    #[test]
    fn books_are_good_where_only_what_was_in_flight_is_unknown() {
        let good = || Books { once: 90, unknown: 10, ..Books::default() };
        assert!(good().are_good(10));
        assert!(!good().are_good(9));
        for bad in
            [Books { lost: 1, ..good() }, Books { doubled: 1, ..good() }, Books { misreported: 1, ..good() }]
        {
            assert!(!bad.are_good(10), "{bad:?}");
        }
    }
}
