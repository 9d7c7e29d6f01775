//! A push that has its result.

use std::sync::Arc;

use crate::dispatch::Seat;
use crate::push::{Body, Labels, PushResult};

/// A push that has its result.
#[derive(Debug)]
pub struct Settled {
    /// Its number among the pushes of its call or batch, in the order in which they were handed in.
    pub index: u64,
    /// Its id. For one that could not be an id, its beginning; for a push without one, the id that was made.
    pub id: String,
    /// What became of it.
    pub result: PushResult,
    /// What the caller sees again.
    pub labels: EchoedLabels,
    /// The seat of an item of a batch. It returns when this is dropped. `PROBLEMS_ONLY` drops results that are not
    /// told.
    pub(super) seat: Option<Seat>,
}

impl Settled {
    /// Holds the item's seat until the result is delivered ([`Window::delivered`](super::Window::delivered)); false
    /// where there is none to hold.
    pub(crate) fn hold_seat(&mut self) -> bool {
        self.seat.take().is_some_and(Seat::hold_until_delivered)
    }

    /// Lets go of the push's body, which is large beside its labels and would be kept while results of others are
    /// waited for.
    pub(super) fn without_body(self) -> Self {
        Self { labels: EchoedLabels::Own(self.labels.into_labels()), ..self }
    }

    /// An item with this outcome, for tests of who delivers it.
    #[cfg(test)]
    pub(crate) fn example(outcome: crate::push::Outcome, seat: Option<Seat>) -> Self {
        let result = PushResult::unsent(outcome, crate::push::Reason::UpstreamAnswered, "");
        Self { index: 0, id: "id".to_owned(), result, labels: EchoedLabels::Own(Labels::new()), seat }
    }
}

/// The labels of a push. They are copied only where its result is told.
#[derive(Debug)]
pub enum EchoedLabels {
    /// The labels of a push that was refused, or whose body was let go of.
    Own(Labels),
    /// The labels are in the body of the push, which other pushes may share.
    Of(Arc<Body>),
}

impl EchoedLabels {
    /// The labels.
    #[must_use]
    pub(crate) fn into_labels(self) -> Labels {
        match self {
            Self::Own(labels) => labels,
            Self::Of(body) => body.labels.clone(),
        }
    }
}
