//! The guard over the targets of one app on one provider. DELETE is advice about one target; where so many targets die
//! at once that the configuration is the likelier culprit, the guard makes QUARANTINE of it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus_client::metrics::gauge::Gauge;

use super::suspicion::{RunMode, Suspicion, Turn};
use crate::push::{AppId, Outcome, ProviderKind, Refusal, TokenAction};

/// Sees every answer about a target whose caller still waits, and every target that the gateway refuses by itself.
#[derive(Debug)]
pub struct Guard {
    app: AppId,
    provider: ProviderKind,
    /// What an operator checks where almost every target is refused.
    suspects: &'static str,
    /// What is known of the targets that known callers name.
    of_callers: Suspicion,
    /// What is known of those that anybody may have named. It stands apart, so that nobody makes up targets until good advice
    /// about the others turns.
    of_anybody: Suspicion,
    /// Counts the guards of the app and provider that set targets aside.
    quarantine: Gauge,
    /// Whether this one is counted there.
    sets_aside: AtomicBool,
}

/// Why a push cannot be sent, and what its caller is to do with the target.
#[derive(Debug)]
pub struct Unsendable {
    /// What is wrong with the push, in one sentence that gives the advice as well.
    pub refusal: Refusal,
    /// What to do with the target.
    pub token_action: TokenAction,
    /// Who would have carried it, where that is known.
    pub provider: Option<ProviderKind>,
}

impl From<Refusal> for Unsendable {
    /// A push that is refused before its route is known. No guard has a say in it, so its target is kept.
    fn from(refusal: Refusal) -> Self {
        Self { refusal, token_action: TokenAction::Keep, provider: None }
    }
}

impl Guard {
    /// A guard that knows nothing of the targets yet. `quarantine` shows when it sets targets aside.
    pub(crate) fn new(app: AppId, provider: ProviderKind, suspects: &'static str, quarantine: Gauge) -> Self {
        let (of_callers, of_anybody, sets_aside) = Default::default();
        Self { app, provider, suspects, of_callers, of_anybody, quarantine, sets_aside }
    }

    /// The app whose targets it guards.
    #[must_use]
    pub(crate) fn app(&self) -> &AppId {
        &self.app
    }

    /// The provider whose targets it guards.
    #[must_use]
    pub(crate) fn provider(&self) -> ProviderKind {
        self.provider
    }

    /// What an operator checks, while so many targets are refused that they are set aside.
    pub(super) fn suspects_now(&self) -> Option<&'static str> {
        self.is_aroused().then_some(self.suspects)
    }

    fn is_aroused(&self) -> bool {
        self.of_callers.is_aroused() || self.of_anybody.is_aroused()
    }

    /// Judges a push that the gateway refuses without asking the push service. Many refused targets at once speak for
    /// a bug in what writes them, so they are judged as answers are.
    #[must_use]
    pub(crate) fn refuse(&self, refusal: Refusal, mode: RunMode) -> Unsendable {
        let dead = [Outcome::InvalidToken, Outcome::Unregistered].contains(&refusal.outcome);
        let token_action = if dead {
            self.judge(refusal.outcome, TokenAction::Delete, false, mode)
        } else {
            TokenAction::Keep
        };
        let advice = self.advice(TokenAction::Delete, token_action, false);
        let detail = advice.map(|advice| format!("{}; {advice}", refusal.detail));
        let refusal = Refusal { detail: detail.unwrap_or(refusal.detail), ..refusal };
        Unsendable { refusal, token_action, provider: Some(self.provider) }
    }

    /// Notes what was said of a target, and sets the target aside where so many are dead that the configuration is the
    /// likelier culprit. The log is told when that begins and when it ends.
    pub(super) fn judge(
        &self,
        outcome: Outcome,
        action: TokenAction,
        proved: bool,
        mode: RunMode,
    ) -> TokenAction {
        let from_anybody = mode == RunMode::FromAnybody;
        let suspicion = if from_anybody { &self.of_anybody } else { &self.of_callers };
        let judged = suspicion.judge(outcome, action, proved, mode);
        if judged.turned.is_some() {
            self.show(self.is_aroused());
        }
        let (app, provider) = (&self.app, self.provider.name());
        match judged.turned {
            None => {}
            Some(Turn::Closed) => tracing::warn!(
                %app, provider, from_anybody,
                "so many targets are refused at once that their callers are told to set them aside, not to delete them: check {}",
                self.suspects
            ),
            Some(Turn::Opened) => tracing::info!(
                %app, provider, from_anybody, "targets live again: the callers of refused ones are told to delete them"
            ),
        }
        judged.action
    }

    /// Shows whether targets are set aside. Of two turns at once the later one to come here is shown until the next.
    fn show(&self, sets_aside: bool) {
        let shown = self.sets_aside.swap(sets_aside, Ordering::Relaxed);
        match (shown, sets_aside) {
            (false, true) => _ = self.quarantine.inc(),
            (true, false) => _ = self.quarantine.dec(),
            (true, true) | (false, false) => {}
        }
    }

    /// What to do with a dead target, as the end of a sentence that says why it is dead.
    pub(super) fn advice(
        &self,
        asked: TokenAction,
        given: TokenAction,
        proved: bool,
    ) -> Option<Cow<'static, str>> {
        match (asked, given) {
            (TokenAction::Delete, TokenAction::Delete) if proved => {
                Some("delete it unless it was registered again since".into())
            }
            (TokenAction::Delete, TokenAction::Delete) => Some("delete it".into()),
            (TokenAction::Delete, TokenAction::Quarantine) => {
                Some(format!("set it aside and check {}, since so many fail at once", self.suspects).into())
            }
            (TokenAction::Keep | TokenAction::Delete | TokenAction::Quarantine, _) => None,
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.show(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Provider;
    use crate::provider::fcm::Fcm;
    use crate::push::Reason;

    fn guard() -> Guard {
        Guard::new(AppId::parse("shop").unwrap(), Fcm::KIND, Fcm::SUSPECTS, Gauge::default())
    }

    fn refusal(outcome: Outcome) -> Refusal {
        Refusal { outcome, ..Refusal::field("target", Reason::FieldInvalid, "why") }
    }

    #[test]
    fn tokens_of_one_encoding_bug_are_set_aside_though_nothing_was_sent() {
        let guard = guard();
        let malformed = refusal(Outcome::InvalidToken);
        for _ in 0..9 {
            assert_eq!(guard.refuse(malformed.clone(), RunMode::Real).token_action, TokenAction::Delete);
        }
        assert_eq!(guard.quarantine.get(), 0);
        let tenth = guard.refuse(malformed, RunMode::Real);
        assert_eq!(tenth.token_action, TokenAction::Quarantine);
        let shown = guard.quarantine.clone();
        assert_eq!(shown.get(), 1);
        let detail = tenth.refusal.detail;
        assert!(detail.starts_with("why; set it aside and check "), "{detail}");
        for other in [Outcome::InvalidPush, Outcome::PayloadTooLarge, Outcome::Credential] {
            let unsendable = guard.refuse(refusal(other), RunMode::Real);
            assert_eq!((unsendable.token_action, &*unsendable.refusal.detail), (TokenAction::Keep, "why"));
        }
        drop(guard);
        assert_eq!(shown.get(), 0, "nobody is told by it any more");
    }

    #[test]
    fn a_dry_run_is_judged_by_what_is_known_and_adds_nothing() {
        let guard = guard();
        let malformed = refusal(Outcome::InvalidToken);
        for _ in 0..100 {
            assert_eq!(guard.refuse(malformed.clone(), RunMode::DryRun).token_action, TokenAction::Delete);
        }
        let real: Vec<_> =
            (0..10).map(|_| guard.refuse(malformed.clone(), RunMode::Real).token_action).collect();
        assert_eq!(real.iter().filter(|action| **action == TokenAction::Quarantine).count(), 1);
        for _ in 0..100 {
            guard.judge(Outcome::Accepted, TokenAction::Keep, false, RunMode::DryRun);
        }
        assert_eq!(guard.refuse(malformed, RunMode::DryRun).token_action, TokenAction::Quarantine);
    }

    #[test]
    fn what_anybody_may_have_asked_for_is_judged_apart() {
        let (guard, malformed) = (guard(), refusal(Outcome::InvalidToken));
        let told = |mode| guard.refuse(malformed.clone(), mode).token_action;
        let told_often = |mode| (0..400).map(|_| told(mode)).collect::<Vec<_>>().pop();
        assert_eq!(told_often(RunMode::FromAnybody), Some(TokenAction::Quarantine));
        assert_eq!((told(RunMode::Real), told(RunMode::DryRun)), (TokenAction::Delete, TokenAction::Delete));
        assert_eq!((guard.quarantine.get(), guard.suspects_now().is_some()), (1, true));
        // Nor does what lives vouch for the targets of callers.
        assert_eq!(told_often(RunMode::Real), Some(TokenAction::Quarantine));
        for _ in 0..400 {
            guard.judge(Outcome::Accepted, TokenAction::Keep, false, RunMode::FromAnybody);
        }
        assert_eq!(
            (told(RunMode::FromAnybody), told(RunMode::Real)),
            (TokenAction::Delete, TokenAction::Quarantine)
        );
        assert_eq!(guard.quarantine.get(), 1, "those of callers are set aside");
    }

    #[test]
    fn a_target_that_says_of_itself_that_it_is_gone_is_deleted() {
        let unsendable = guard().refuse(refusal(Outcome::Unregistered), RunMode::Real);
        assert_eq!(unsendable.token_action, TokenAction::Delete);
        assert_eq!(unsendable.provider.map(ProviderKind::name), Some("fcm"));
    }

    #[test]
    fn advice_is_that_of_its_verdict() {
        let advice =
            |asked, given, proved| guard().advice(asked, given, proved).unwrap_or_default().into_owned();
        let (keep, delete, aside) = (TokenAction::Keep, TokenAction::Delete, TokenAction::Quarantine);
        assert_eq!(advice(delete, delete, false), "delete it");
        assert_eq!(advice(delete, delete, true), "delete it unless it was registered again since");
        let set_aside = advice(delete, aside, false);
        assert!(set_aside.starts_with("set it aside and check the app's project"), "{set_aside}");
        assert!(!set_aside.contains("delete"));
        assert_eq!((advice(keep, keep, false), advice(aside, aside, false)), (String::new(), String::new()));
    }
}
