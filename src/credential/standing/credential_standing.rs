//! A credential at one place, with the topics that are refused to it there, and the apps that show it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use super::look::StandingLook;
use super::name::StandingName;
use super::refusing_answer::RefusingAnswer;
use super::shared::{Refused, SharedStanding};
use super::topics::TopicStandings;
use crate::metrics::CredentialMetrics;
use crate::push::AppId;

/// A credential at one place.
pub struct CredentialStanding {
    number: u64,
    /// Whether it is taken at all.
    pub(super) credential: SharedStanding,
    pub(super) topics: TopicStandings,
    pub(super) metrics: CredentialMetrics,
    /// Is told when this or one of the topics was shut or opened.
    pub(super) turned: Arc<Notify>,
    /// The apps that show the credential here. Each is held by its route.
    apps: Mutex<Vec<Weak<AppId>>>,
}

impl CredentialStanding {
    pub(in crate::credential) fn new(
        name: StandingName,
        metrics: CredentialMetrics,
        turned: Arc<Notify>,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let of_standing = metrics.standing(&name.label, &name.place);
        let credential = SharedStanding::new(name, of_standing, Arc::clone(&turned));
        let (topics, apps) = Default::default();
        Self { number: NEXT.fetch_add(1, Ordering::Relaxed), credential, topics, metrics, turned, apps }
    }

    /// Tells standings apart. None is 0.
    #[must_use]
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// An app shows the credential here, as long as it is held.
    pub(crate) fn shown_by(&self, app: Weak<AppId>) {
        let mut apps = self.apps();
        apps.retain(|app| app.strong_count() > 0);
        apps.push(app);
    }

    /// The push service refused the credential in a way that one refusal says for certain.
    pub(crate) fn shut(&self, answer: RefusingAnswer) {
        self.credential.shut(answer, || self.app_count());
    }

    /// The push service took the credential.
    pub(crate) fn open(&self) {
        if self.credential.is_shut() {
            self.credential.open();
        }
    }

    /// What a push to this topic is told now, where the credential is refused for all pushes or for those. `topic` is called
    /// only where some topic was refused before.
    pub(crate) fn refusal<T: AsRef<str>>(&self, topic: impl FnOnce() -> Option<T>) -> Option<Box<Refused>> {
        self.credential.refusal().or_else(|| {
            let refused_once = !self.topics.are_none();
            let topic = refused_once.then(topic).flatten()?;
            self.topics.find(topic.as_ref())?.refusal()
        })
    }

    /// Counts a push that was answered because the credential is refused.
    pub(crate) fn answered(&self) {
        self.credential.answered();
    }

    /// Whether the credential is refused here, or is for a topic.
    pub(in crate::credential) fn is_shut(&self) -> bool {
        self.credential.is_shut() || self.topics.any_shut()
    }

    /// Whether the credential is refused here for every topic.
    pub(in crate::credential) fn is_shut_entirely(&self) -> bool {
        self.credential.is_shut()
    }

    /// How it is now, and how each topic is that is refused to it.
    pub(crate) fn look(&self) -> Vec<StandingLook> {
        let topics = self.topics.look().into_iter().filter(|topic| topic.refusal.is_some());
        std::iter::once(self.credential.snapshot()).chain(topics).collect()
    }

    pub(super) fn app_count(&self) -> usize {
        self.apps().iter().filter(|app| app.strong_count() > 0).count()
    }

    pub(in crate::credential) fn app_names(&self) -> Vec<AppId> {
        self.apps().iter().filter_map(Weak::upgrade).map(|app| AppId::clone(&app)).collect()
    }

    fn apps(&self) -> MutexGuard<'_, Vec<Weak<AppId>>> {
        // The list is whole at every moment, so a poisoned lock harms nothing.
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CredentialStanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialStanding")
            .field("number", &self.number)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}
