//! Trouble that lasts for a while. The log says when it begins and when it is over.

use std::time::{Duration, Instant};

/// The trouble is over when it did not come for so long. So trouble that comes and goes is two lines of the log.
const CALM: Duration = Duration::from_secs(5);

/// Trouble that lasts for a while.
#[derive(Debug, Default)]
pub(super) struct Bout(Option<Span>);

#[derive(Debug)]
struct Span {
    first: Instant,
    last: Instant,
}

impl Bout {
    /// Notes that it came. Returns whether it has just begun.
    pub(super) fn came(&mut self, now: Instant) -> bool {
        let begins = self.0.is_none();
        self.0.get_or_insert(Span { first: now, last: now }).last = now;
        begins
    }

    /// Notes that it did not come. Returns how long it lasted, if it is over.
    pub(super) fn stayed_away(&mut self, now: Instant) -> Option<Duration> {
        let span = self.0.take_if(|span| now.duration_since(span.last) >= CALM)?;
        Some(span.last.duration_since(span.first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_is_one_bout() {
        let (mut bout, now) = (Bout::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        assert!(bout.stayed_away(now).is_none() && bout.came(now));
        assert!(bout.stayed_away(at(4)).is_none() && !bout.came(at(4)));
        assert_eq!(bout.stayed_away(at(9)), Some(Duration::from_secs(4)));
        assert!(bout.stayed_away(at(99)).is_none() && bout.came(at(100)));
    }
}
