//! What push services answered, by status and reason. Both come from the table of answers of the provider, since whoever
//! answers could otherwise make up any number of them.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// An answer that a push service is known to give: its status, and its reason as the service writes it. The reason is empty
/// where the service gives none.
pub(super) type KnownAnswer = (u16, &'static str);

/// The label of a status or a reason that the provider's table does not have.
const OTHER: &str = "other";

/// The label of an answer without a reason.
const NONE: &str = "none";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    app: String,
    provider: &'static str,
    status: String,
    reason: &'static str,
}

/// What push services answered to every app.
#[derive(Debug, Clone, Default)]
pub(super) struct AnswerFamily(Family<AnswerLabels, Counter>);

impl AnswerFamily {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let family = Self::default();
        let help = "Answers of push services, by status and reason";
        registry.register("upstream_answers", help, family.0.clone());
        family
    }

    /// The counters of one app on one provider. Each of its answers begins at 0.
    pub(super) fn of(&self, app: &str, provider: &'static str, known: &[KnownAnswer]) -> AnswerCounters {
        let counter = |status, reason| self.0.get_or_create_owned(&labels(app, provider, status, reason));
        let mut statuses = Vec::<OfStatus>::new();
        for (status, reason) in known {
            let reason = Reason { text: reason, counter: counter(Some(*status), named(reason)) };
            match statuses.iter_mut().find(|of| of.status == *status) {
                Some(of) => of.reasons.push(reason),
                None => statuses.push(OfStatus {
                    status: *status,
                    reasons: vec![reason],
                    other: counter(Some(*status), OTHER),
                }),
            }
        }
        let well = known.first().filter(|(_, reason)| reason.is_empty());
        let well = well.map(|(status, _)| (*status, counter(Some(*status), NONE)));
        AnswerCounters { well, statuses, other: counter(None, OTHER) }
    }

    pub(super) fn forget(&self, app: &str, provider: &'static str, known: &[KnownAnswer]) {
        let named = known
            .iter()
            .flat_map(|(status, reason)| [(Some(*status), named(reason)), (Some(*status), OTHER)]);
        for (status, reason) in named.chain([(None, OTHER)]) {
            self.0.remove(&labels(app, provider, status, reason));
        }
    }
}

fn labels(app: &str, provider: &'static str, status: Option<u16>, reason: &'static str) -> AnswerLabels {
    let status = status.map_or_else(|| OTHER.to_owned(), |status| status.to_string());
    AnswerLabels { app: app.to_owned(), provider, status, reason }
}

fn named(reason: &'static str) -> &'static str {
    if reason.is_empty() { NONE } else { reason }
}

/// The counters of the answers that one app may get on one provider.
#[derive(Debug)]
pub(super) struct AnswerCounters {
    /// What is answered when all is well, with which the provider's table begins. Nearly every answer is this one, so that it is
    /// counted without the search, whose memory is seldom in a cache.
    well: Option<(u16, Counter)>,
    /// In the order of the provider's table.
    statuses: Vec<OfStatus>,
    other: Counter,
}

#[derive(Debug)]
struct OfStatus {
    status: u16,
    reasons: Vec<Reason>,
    other: Counter,
}

#[derive(Debug)]
struct Reason {
    text: &'static str,
    counter: Counter,
}

impl AnswerCounters {
    /// Counts an answer. Some services write a sentence behind their reason, after a colon.
    pub(super) fn count(&self, status: u16, said: &str) {
        if let Some((well, counter)) = &self.well
            && *well == status
            && said.is_empty()
        {
            counter.inc();
            return;
        }
        let Some(of) = self.statuses.iter().find(|of| of.status == status) else {
            self.other.inc();
            return;
        };
        let is = |known: &str| match said.strip_prefix(known) {
            Some("") => true,
            Some(sentence) => !known.is_empty() && sentence.starts_with(':'),
            None => false,
        };
        let known = of.reasons.iter().find(|reason| is(reason.text));
        known.map_or(&of.other, |reason| &reason.counter).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_counted_by_the_table_whatever_it_says() {
        let family = AnswerFamily::default();
        let known = [(200, ""), (400, "Bad"), (400, "BadToken"), (401, "109")];
        let counters = family.of("shop", "apns", &known);
        let count = |status: Option<u16>, reason| {
            family.0.get_or_create(&labels("shop", "apns", status, reason)).get()
        };
        counters.count(200, "");
        counters.count(200, "a page");
        counters.count(400, "BadToken");
        counters.count(400, "");
        counters.count(401, "109: what the service says");
        counters.count(401, "1099");
        counters.count(418, "BadToken");
        assert_eq!((count(Some(200), NONE), count(Some(200), OTHER)), (1, 1));
        assert_eq!(
            (count(Some(400), "Bad"), count(Some(400), "BadToken"), count(Some(400), OTHER)),
            (0, 1, 1)
        );
        assert_eq!((count(Some(401), "109"), count(Some(401), OTHER)), (1, 1));
        assert_eq!(count(None, OTHER), 1);
        family.forget("shop", "apns", &known);
        for (status, reason) in
            [(Some(200), NONE), (Some(400), "BadToken"), (Some(401), OTHER), (None, OTHER)]
        {
            assert!(family.0.get(&labels("shop", "apns", status, reason)).is_none());
        }
    }
}
