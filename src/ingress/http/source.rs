//! Bounds the calls of each address that show nothing by which their caller is known. Whoever may call without credentials
//! from the internet could otherwise take all that the gateway has for the caller for whom the calls stand.
//!
//! A caller that is known by what it shows is bounded by its permissions, and not here.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

use super::refused::Refused;
use crate::caller::{OpenCall, OpenCalls};
use crate::listener::network;

/// The most addresses that are remembered, of which each takes about 150 bytes. Where there are more, those are forgotten that
/// connected the longest ago, and an open connection goes on with what it was counted by.
const MOST: usize = 65_536;

const SECOND: u64 = 1_000_000_000;

/// How many calls an address may make that show nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceBounds {
    pub(crate) max_requests: usize,
    pub(crate) requests_per_second: NonZeroU32,
}

/// The addresses from which such calls came. The addresses of an IPv6 network of 64 bits are one.
pub(super) struct Sources {
    began: Instant,
    known: Mutex<LruCache<IpAddr, Arc<Source>>>,
}

impl Default for Sources {
    fn default() -> Self {
        // One that is given its capacity makes room for all of it at once.
        Self { began: Instant::now(), known: Mutex::new(LruCache::unbounded()) }
    }
}

/// What an address has taken. A connection asks for it once.
#[derive(Debug, Default)]
pub(super) struct Source {
    calls: OpenCalls,
    /// Until when the calls so far have used up what the address may make in a second, in nanoseconds. This is the generic cell
    /// rate algorithm, which needs no more than one number. Source: ITU-T I.371, annex A.
    used_until: AtomicU64,
}

impl Sources {
    pub(super) fn of(&self, address: IpAddr) -> Arc<Source> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let source = Arc::clone(known.get_or_insert(network(address), Arc::default));
        if known.len() > MOST {
            known.pop_lru();
        }
        source
    }

    /// Counts one more call, which came then, until what is returned is dropped.
    pub(super) fn enter(
        &self,
        source: &Source,
        bounds: SourceBounds,
        at: Instant,
    ) -> Result<OpenCall, Refused> {
        let call = source.calls.open(bounds.max_requests).ok_or(Refused::ManyCalls)?;
        let now = u64::try_from(at.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX);
        source.take_turn(now, bounds.requests_per_second).map_err(Refused::Rate)?;
        Ok(call)
    }
}

impl Source {
    /// Takes one of the turns of a second, all of which may be taken at once.
    fn take_turn(&self, now: u64, per_second: NonZeroU32) -> Result<(), Duration> {
        let turn = SECOND / u64::from(per_second.get());
        let used = |until: u64| until.max(now).saturating_add(turn);
        let end = now.saturating_add(SECOND);
        // The number orders nothing else, so relaxed operations do.
        let more = |until| Some(used(until)).filter(|used| *used <= end);
        let taken = self.used_until.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.map(|_| ()).map_err(|until| Duration::from_nanos(used(until) - end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(max_requests: usize, requests_per_second: u32) -> SourceBounds {
        SourceBounds { max_requests, requests_per_second: NonZeroU32::new(requests_per_second).unwrap() }
    }

    #[test]
    fn an_address_has_so_many_calls_in_flight_and_others_have_their_own() {
        let sources = Sources::default();
        let of = |text: &str| sources.of(text.parse().unwrap());
        let (one, same, other) = (of("2001:db8::1"), of("2001:db8::2"), of("2001:db8:0:1::1"));
        let call = sources.enter(&one, bounds(1, 1000), Instant::now()).unwrap();
        assert_eq!(sources.enter(&same, bounds(1, 1000), Instant::now()).unwrap_err(), Refused::ManyCalls);
        assert!(sources.enter(&other, bounds(1, 1000), Instant::now()).is_ok());
        drop(call);
        assert!(sources.enter(&same, bounds(1, 1000), Instant::now()).is_ok());
    }

    #[test]
    fn a_second_has_so_many_turns_and_says_when_the_next_one_comes() {
        let (source, two) = (Source::default(), NonZeroU32::new(2).unwrap());
        let half = Duration::from_millis(500);
        assert_eq!((source.take_turn(0, two), source.take_turn(0, two)), (Ok(()), Ok(())));
        assert_eq!(source.take_turn(0, two), Err(half));
        assert_eq!(source.take_turn(SECOND / 4, two), Err(half / 2), "what was refused took nothing");
        assert_eq!(source.take_turn(SECOND / 2, two), Ok(()));
        assert_eq!(source.take_turn(SECOND / 2, two), Err(half));
        assert_eq!(source.take_turn(u64::MAX, two), Ok(()), "the end of time is no overflow");
    }

    #[test]
    fn no_more_addresses_are_remembered_than_there_is_room_for() {
        let sources = Sources::default();
        for number in 0..u32::try_from(MOST).unwrap() + 10 {
            let _ = sources.of(IpAddr::from(number.to_be_bytes()));
        }
        assert_eq!(sources.known.lock().unwrap().len(), MOST);
    }
}
