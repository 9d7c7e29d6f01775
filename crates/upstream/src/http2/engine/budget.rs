//! How many frames the peer may send that bring nothing.
//!
//! Each of them costs work, and some make this client write an answer. Source: RFC 9113, section 10.5.

use super::violation::Violation;

/// How many frames may bring nothing in a row.
const MOST: u32 = 10_000;

/// How many of them an answer earns back. A server sends a few with each answer, such as WINDOW_UPDATE.
const EARNED_BY_ANSWER: u32 = 20;

/// How many of them each tick earns back, so that a connection that is idle for days may exchange PINGs.
const EARNED_BY_TICK: u32 = 100;

/// What is left for frames that bring nothing.
#[derive(Debug)]
pub(super) struct Budget {
    left: u32,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { left: MOST }
    }

    /// A frame came that brings nothing.
    pub(super) fn spend(&mut self) -> Result<(), Violation> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Violation::too_much("too many frames that bring nothing")),
        }
    }

    /// An answer came.
    pub(super) fn answered(&mut self) {
        self.left = (self.left + EARNED_BY_ANSWER).min(MOST);
    }

    /// The end came of an answer to a stream that was reset here. Its head is no more one that nothing ends.
    pub(super) fn answered_late(&mut self) {
        self.left = (self.left + 1).min(MOST);
    }

    /// So many bytes of a body were written that a window had held back. A peer may open the window of the stream and
    /// that of the connection for each of them.
    pub(super) fn let_through(&mut self, bytes: usize) {
        let earned = u32::try_from(bytes).unwrap_or(u32::MAX).saturating_mul(2);
        self.left = self.left.saturating_add(earned).min(MOST);
    }

    /// Some time passed.
    pub(super) fn tick(&mut self) {
        self.left = (self.left + EARNED_BY_TICK).min(MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_time_earn_back_what_frames_cost_and_no_more_than_there_was() {
        let mut budget = Budget::new();
        budget.answered();
        budget.tick();
        for _ in 0..MOST {
            budget.spend().unwrap();
        }
        assert!(budget.spend().is_err());
        budget.answered();
        budget.tick();
        for _ in 0..EARNED_BY_ANSWER + EARNED_BY_TICK {
            budget.spend().unwrap();
        }
        assert!(budget.spend().is_err());
    }
}
