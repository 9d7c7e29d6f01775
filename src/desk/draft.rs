//! What an ingress hands in: a push as it was decoded, in plain values of no protocol.
//!
//! A part that the ingress could not decode is there as its refusal. The desk opens the parts in one order
//! (`opening.rs`), so that the fault of a push that is reported first is the same by whichever way it came.

use std::time::{Duration, SystemTime};

use tracing::Span;

use super::shared_body::SharedBody;
use crate::dispatch::{RunMode, TargetDraft};
use crate::held_bytes::PushBytes;
use crate::push::{Content, Expiry, Labels, Options, Refusal};

/// One push, as an ingress decoded it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The caller's name for it, as given. The desk makes one for a push that has none.
    pub id: String,
    /// Where it goes.
    pub target: Result<TargetDraft, Refusal>,
    /// What it says and how it is treated.
    pub body: DraftBody,
    /// What it takes of its caller's share of bytes until it has its result.
    pub held: PushBytes,
    /// The span that the span of this push is a child of: an ingress that knows the caller's trace puts it here.
    pub parent: Span,
}

/// The body of a draft.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "in a box, each push with a body of its own would allocate once more"
)]
pub enum DraftBody {
    /// The push has a body of its own.
    Own(BodyDraft),
    /// The push shares its body with the other addressees of its multicast.
    Shared(SharedBody),
    /// Nothing but perhaps the id could be read of the push, for this reason.
    Unreadable(Refusal),
}

/// What a push or a multicast says, and how it is treated.
#[derive(Debug, Clone)]
pub struct BodyDraft {
    /// The app that sends it, as given.
    pub app: String,
    /// What it says.
    pub content: Result<Content, Refusal>,
    /// How it is treated.
    pub options: Result<OptionsDraft, Refusal>,
    /// What the caller sees again in the result, as given.
    pub labels: Labels,
    /// When the ingress had read it; a time to live counts from here.
    pub accepted_at: SystemTime,
}

/// How a push is treated, before its time to live is fixed to the clock.
#[derive(Debug, Clone, Default)]
pub struct OptionsDraft {
    /// All that needs neither app nor clock. `expiry` is the moment that the caller named, or the default.
    pub options: Options,
    /// The time to live that the caller named instead of a moment.
    pub ttl: Option<Duration>,
}

impl BodyDraft {
    /// How what becomes of it is judged: what a dry run hears does not count, for one.
    pub(super) fn mode(&self) -> RunMode {
        self.options.as_ref().map_or(RunMode::Real, |draft| RunMode::of(&draft.options))
    }
}

impl OptionsDraft {
    /// Fixes the time to live to the clock, so that time that the push waits counts. The app's default holds where
    /// the caller names neither a time to live nor a moment.
    pub(super) fn fix(self, default_ttl: Option<Duration>, accepted_at: SystemTime) -> Options {
        let Self { options, ttl } = self;
        let expiry = match (ttl, options.expiry) {
            (Some(ttl), _) => expiry_after(ttl, accepted_at),
            (None, Expiry::Default) => {
                default_ttl.map_or(Expiry::Default, |ttl| expiry_after(ttl, accepted_at))
            }
            (None, named @ (Expiry::NoStore | Expiry::At(_))) => named,
        };
        Options { expiry, ..options }
    }
}

fn expiry_after(ttl: Duration, now: SystemTime) -> Expiry {
    if ttl.is_zero() {
        return Expiry::NoStore;
    }
    // A time to live beyond the calendar has no end that a push service could be told.
    now.checked_add(ttl).map_or(Expiry::Default, Expiry::At)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1000)
    }

    fn expiry(ttl: Option<u64>, default_ttl: Option<u64>) -> Expiry {
        let draft = OptionsDraft { ttl: ttl.map(Duration::from_secs), ..OptionsDraft::default() };
        draft.fix(default_ttl.map(Duration::from_secs), now()).expiry
    }

    #[test]
    fn a_time_to_live_is_fixed_to_the_clock_and_zero_is_not_stored() {
        assert_eq!(expiry(Some(60), None), Expiry::At(now() + Duration::from_secs(60)));
        assert_eq!(expiry(Some(0), None), Expiry::NoStore);
        assert_eq!(expiry(Some(i64::MAX.cast_unsigned()), None), Expiry::Default);
        assert_eq!(expiry(None, None), Expiry::Default);
    }

    #[test]
    fn the_apps_time_to_live_holds_where_the_caller_names_none() {
        assert_eq!(expiry(None, Some(5)), Expiry::At(now() + Duration::from_secs(5)));
        assert_eq!(expiry(Some(60), Some(5)), Expiry::At(now() + Duration::from_secs(60)));
        let named = Expiry::At(now() + Duration::from_secs(9));
        let options = Options { expiry: named, ..Options::default() };
        let draft = OptionsDraft { options, ttl: None };
        assert_eq!(draft.fix(Some(Duration::from_secs(5)), now()).expiry, named);
    }
}
