//! Lines that come again and again are counted and not written: the hosts of Web Push are chosen by end users, who could
//! otherwise fill the disk of the log and hide every other line.
//!
//! Two lines are of one kind where they come from the same place in the code and have equal values in the fields of
//! [`ABOUT`]. A line about something that an end user chose has none of these fields but `cause`. Lines for auditors are told
//! apart by their caller and rule alone, since a caller may ask for any app, and more of them are written.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// The target of the lines that the log writes about itself.
pub(super) const TARGET: &str = "fanfare::log";

/// The target of lines for auditors, so that a filter can keep them or drop them.
pub(crate) const AUDIT: &str = "fanfare::audit";

/// The fields that tell kinds apart. The configuration or the code bounds how many values each of them has.
const ABOUT: [&str; 8] = ["peer", "app", "provider", "credential", "place", "part", "key", "cause"];

/// The fields that tell lines for auditors apart. The configuration bounds how many callers there are.
const ABOUT_AUDIT: [&str; 2] = ["caller", "rule"];

/// How many lines of one kind are written in a [`WINDOW`]. More than these are counted.
const WRITTEN: u64 = 5;

/// The same of lines for auditors, who look for the single one.
const WRITTEN_AUDIT: u64 = 100;

/// The number of counted lines is logged when so much time has passed since the first line of their kind.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// How many kinds are told apart. Beyond them, all lines of one place in the code are one kind.
const MAX_KINDS: usize = 256;

/// How many bytes of a line's text are kept.
const MAX_TEXT_BYTES: usize = 200;

/// The kinds of lines that came lately.
#[derive(Clone, Default)]
pub(super) struct Repeats(Arc<Mutex<HashMap<Kind, SeenLines>>>);

/// A place in the code, and a hash of the fields in [`ABOUT`].
type Kind = (Identifier, u64);

struct SeenLines {
    since: Instant,
    times: u64,
    /// How many of them are written.
    written: u64,
    text: String,
}

/// A kind of line that came more often than it was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    /// The message of such a line, with the fields that tell its kind.
    pub(super) text: String,
    /// How many such lines were not written.
    pub(super) times: u64,
}

impl Repeats {
    /// Takes what was counted and not written in windows that are over, or in all windows. Those kinds are counted anew.
    pub(super) fn take(&self, now: Instant, all: bool) -> Vec<Repeated> {
        let mut told = Vec::new();
        self.lock().retain(|_, seen| {
            let is_over = all || now.saturating_duration_since(seen.since) >= WINDOW;
            if is_over && seen.times > seen.written {
                let text = std::mem::take(&mut seen.text);
                told.push(Repeated { text, times: seen.times - seen.written });
            }
            !is_over
        });
        told
    }

    /// Counts a line of this kind, and returns whether it is to be written.
    fn is_written(&self, kind: Kind, written: u64, text: impl FnOnce() -> String, now: Instant) -> bool {
        let mut kinds = self.lock();
        let is_known = kinds.contains_key(&kind) || kinds.len() < MAX_KINDS;
        let kind = if is_known { kind } else { (kind.0, 0) };
        let seen =
            kinds.entry(kind).or_insert_with(|| SeenLines { since: now, times: 0, written, text: text() });
        seen.times += 1;
        seen.times <= seen.written
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, SeenLines>> {
        // Each change is whole before anything can panic, so a poisoned lock harms nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Repeats {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        // Whoever asks for details wants all of them. Lines that this module itself writes are not counted.
        if *metadata.level() > Level::INFO || metadata.target() == TARGET {
            return true;
        }
        let audit = metadata.target() == AUDIT;
        let (fields, written): (&[&str], _) =
            if audit { (&ABOUT_AUDIT, WRITTEN_AUDIT) } else { (&ABOUT, WRITTEN) };
        let mut line = Line { fields, about: DefaultHasher::new(), text: String::new() };
        event.record(&mut line);
        let kind = (metadata.callsite(), line.about.finish());
        self.is_written(kind, written, || line.text, Instant::now())
    }
}

/// What tells the kind of a line, and its text for people.
struct Line {
    fields: &'static [&'static str],
    about: DefaultHasher,
    text: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let is_message = field.name() == "message";
        if !is_message && !self.fields.contains(&field.name()) {
            return;
        }
        // Writing to a string does not fail.
        let _ = match (is_message, self.text.is_empty()) {
            (true, true) => write!(self.text, "{value:?}"),
            (true, false) => write!(self.text, ", {value:?}"),
            (false, true) => write!(self.text, "{}={value:?}", field.name()),
            (false, false) => write!(self.text, ", {}={value:?}", field.name()),
        };
        if !is_message {
            self.about.write(format!("{}={value:?};", field.name()).as_bytes());
        }
        self.text.truncate(self.text.floor_char_boundary(MAX_TEXT_BYTES));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// How many lines were written of those that `log` logs.
    fn written(repeats: &Repeats, log: impl FnOnce()) -> usize {
        #[derive(Clone, Default)]
        struct Count(Arc<Mutex<usize>>);
        impl<S: Subscriber> Layer<S> for Count {
            fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
                *self.0.lock().unwrap() += 1;
            }
        }
        let count = Count::default();
        let subscriber = tracing_subscriber::registry().with(count.clone()).with(repeats.clone());
        tracing::subscriber::with_default(subscriber, log);
        *count.0.lock().unwrap()
    }

    fn failed(host: &str, peer: Option<&str>) {
        tracing::warn!(host, peer, cause = "dns", "cannot connect");
    }

    #[test]
    fn a_kind_is_written_five_times_a_minute_and_its_number_is_told() {
        let repeats = Repeats::default();
        let hosts = || (0..1000).for_each(|host| failed(&format!("{host}.example"), None));
        assert_eq!(written(&repeats, hosts), 5);
        // What the configuration names is a kind of its own.
        assert_eq!(written(&repeats, || failed("push.example", Some("push.example"))), 1);
        assert_eq!(repeats.take(Instant::now(), false), []);
        let later = Instant::now() + WINDOW;
        let [told] = repeats.take(later, false).try_into().unwrap();
        assert_eq!(told.times, 995);
        assert!(told.text.contains("cannot connect") && told.text.contains("cause=\"dns\""), "{}", told.text);
        assert_eq!(written(&repeats, || failed("push.example", None)), 1);
        assert_eq!(repeats.take(later + WINDOW, true), []);
    }

    #[test]
    fn each_place_where_a_credential_is_refused_and_each_quota_that_is_used_up_has_its_line() {
        let repeats = Repeats::default();
        let refused = || {
            for project in 0..50 {
                let place = format!("fcm project {project}");
                tracing::error!(credential = "fanfare@example", place, "the credential is refused");
            }
        };
        assert_eq!(written(&repeats, refused), 50);
        let paced =
            || (0..50).for_each(|project| tracing::warn!(peer = format!("fcm project {project}"), "paced"));
        assert_eq!(written(&repeats, paced), 50);
    }

    #[test]
    fn lines_for_auditors_are_told_apart_by_caller_and_rule_whatever_app_is_asked_for() {
        let repeats = Repeats::default();
        let refused = |caller: &str, times: usize| {
            for app in 0..times {
                tracing::warn!(target: AUDIT, caller, rule = "apps", app, "a caller was refused");
            }
        };
        assert_eq!(written(&repeats, || refused("orders", 1000)), 100);
        assert_eq!(written(&repeats, || refused("web", 1)), 1);
        assert_eq!(repeats.lock().len(), 2);
    }

    #[test]
    fn the_kinds_that_are_told_apart_are_bounded() {
        let repeats = Repeats::default();
        let peers = || (0..10_000).for_each(|peer| failed("", Some(&peer.to_string())));
        assert_eq!(written(&repeats, peers), MAX_KINDS + 5);
        assert_eq!(repeats.lock().len(), MAX_KINDS + 1);
    }

    #[test]
    fn details_are_never_counted() {
        let repeats = Repeats::default();
        let details = || (0..100).for_each(|number| tracing::debug!(number, "detail"));
        assert_eq!(written(&repeats, details), 100);
    }
}
