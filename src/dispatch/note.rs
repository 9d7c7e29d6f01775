//! What the status is told of pushes: of one that has its verdict, and of one that is refused before it is sent.

use std::time::{Duration, SystemTime};

use super::kinds::shortened;
use super::{Ask, Route, RunMode, Unsendable};
use crate::provider::Provider;
use crate::push::{Audience, PushId, PushResult, Reason, Refusal, Shortened};
use crate::status::Problem;

/// A target is told by at most so many bytes.
const MAX_TARGET_BYTES: usize = 48;

/// A sentence is told up to so many bytes.
const MAX_DETAIL_BYTES: usize = 512;

impl<P: Provider> Ask<'_, P> {
    /// Notes for the status what became of the push. A problem is written out once for many.
    pub(super) fn note(&self, result: &PushResult, took: Duration) {
        let record = &self.route.record;
        if result.attempts > 0 {
            record.took(took);
        }
        if record.is_worth_noting(result.outcome) {
            record.note(problem(self, result));
        }
    }
}

impl<P: Provider> Route<P> {
    /// Judges a push that is refused without asking the push service, and notes it for the status.
    pub(crate) fn refuse(&self, id: &PushId, refusal: Refusal, mode: RunMode) -> Unsendable {
        let unsendable = self.guard().refuse(refusal, mode);
        let refusal = &unsendable.refusal;
        if mode != RunMode::DryRun && self.record.is_worth_noting(refusal.outcome) {
            let now = SystemTime::now();
            self.record.note(Problem {
                time: now,
                first: now,
                app: self.guard().app().to_string(),
                provider: P::KIND.name().into(),
                outcome: refusal.outcome.name().into(),
                reason: refusal.reason.name().into(),
                upstream_status: None,
                upstream_reason: String::new(),
                // What is no target cannot be told in part, and may be a target but for one letter.
                token: String::new(),
                id: id.to_string(),
                detail: cut(&shortened(&refusal.detail), MAX_DETAIL_BYTES).to_owned(),
            });
        }
        unsendable
    }
}

fn problem<P: Provider>(ask: &Ask<'_, P>, result: &PushResult) -> Problem {
    let now = SystemTime::now();
    Problem {
        time: now,
        first: now,
        app: ask.body.app.to_string(),
        provider: P::KIND.name().into(),
        outcome: result.outcome.name().into(),
        reason: result.reason.map_or("", Reason::name).into(),
        upstream_status: result.upstream_status,
        upstream_reason: shortened(&result.upstream_reason),
        token: target(&shortened(&format!("{:?}", ask.target)), P::audience(ask.target)),
        id: ask.id.to_string(),
        detail: cut(&shortened(&result.detail), MAX_DETAIL_BYTES).to_owned(),
    }
}

/// A target as people know it: the word of it that was cut short. A topic has none, and is told as it is; the id of a device is
/// cut here.
fn target(printed: &str, audience: Audience<'_>) -> String {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "-_:%+/=.".contains(character);
    let short = printed.split_once('…').map(|(before, _)| {
        let word = before.rsplit(|character| !is_part(character)).next().unwrap_or_default();
        format!("{word}…")
    });
    short.unwrap_or_else(|| match audience {
        Audience::Device => Shortened(printed.split('"').nth(1).unwrap_or_default()).to_string(),
        Audience::Topic(_) | Audience::Condition(_) | Audience::Broadcast(_) => {
            cut(printed, MAX_TARGET_BYTES).to_owned()
        }
    })
}

fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_told_by_the_word_that_was_cut_short() {
        let topic = Audience::Topic("news");
        for (printed, audience, told) in [
            ("Device(Device { token: DeviceToken(01234567…), topic: None })", Audience::Device, "01234567…"),
            ("Token(RegistrationToken(fGx1:APA…))", Audience::Device, "fGx1:APA…"),
            ("InstallationId(\"cQ9Xz0_dRk2aB7yT1wEo\")", Audience::Device, "cQ9Xz0_d…"),
            ("Topic(\"news\")", topic, "Topic(\"news\")"),
        ] {
            assert_eq!(target(printed, audience), told);
        }
        assert_eq!(target(&"é".repeat(100), topic).len(), MAX_TARGET_BYTES);
    }
}
