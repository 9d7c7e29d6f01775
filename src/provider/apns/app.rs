//! How one app speaks to APNs: what an operator says about it, checked once.

use super::Target;
use super::topic::Topic;
use crate::provider::Front502;
use crate::push::{ApnsEnvironment, InvalidValue};

/// What an operator says about one app on APNs.
#[derive(Debug, Clone)]
pub struct ApnsSettings {
    /// The environment of targets that name none.
    pub environment: ApnsEnvironment,
    /// The bundle ids that the app may send to, without suffix. There is at least one; the first is meant by targets
    /// that name none.
    pub topics: Vec<String>,
    /// Whether the app authenticates by a client certificate, and not by a provider token.
    pub certificate: bool,
    /// Whether push types that the gateway does not know are sent as the caller names them, to the topic without
    /// suffix.
    pub unknown_push_types: bool,
}

/// How one app speaks to APNs.
#[derive(Debug, Clone)]
pub struct Apns {
    pub(super) environment: ApnsEnvironment,
    pub(super) first_topic: Topic,
    pub(super) more_topics: Vec<Topic>,
    pub(super) certificate: bool,
    pub(super) unknown_push_types: bool,
    pub(super) front_502: Front502,
}

impl Apns {
    /// # Errors
    /// Fails if there is no topic, or one is not a bundle id.
    pub fn try_new(settings: ApnsSettings) -> Result<Self, InvalidValue> {
        let mut topics = settings.topics.into_iter().map(Topic::try_new);
        let Some(first_topic) = topics.next() else {
            return Err(InvalidValue::required("at least one bundle id in topics"));
        };
        Ok(Self {
            environment: settings.environment,
            first_topic: first_topic?,
            more_topics: topics.collect::<Result<_, _>>()?,
            certificate: settings.certificate,
            unknown_push_types: settings.unknown_push_types,
            front_502: Front502::default(),
        })
    }

    /// The same, with what an operator knows about a 502 that is not APNs' own.
    #[must_use]
    pub(crate) fn with_front_502(self, front_502: Front502) -> Self {
        Self { front_502, ..self }
    }

    /// The environment that a target lives in: the one that it names, or else the app's.
    #[must_use]
    pub(crate) fn environment(&self, target: &Target) -> ApnsEnvironment {
        target.environment().unwrap_or(self.environment)
    }

    /// The environment of targets that name none.
    #[must_use]
    pub(crate) fn own_environment(&self) -> ApnsEnvironment {
        self.environment
    }

    /// The bundle ids that the app may send to.
    pub(crate) fn bundle_ids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.first_topic).chain(&self.more_topics).map(|topic| topic.bundle_id.as_str())
    }

    /// The topic that a target names, or else the app's first one; none where the app does not list it.
    pub(super) fn topic(&self, named: Option<&str>) -> Option<&Topic> {
        let Some(named) = named else { return Some(&self.first_topic) };
        std::iter::once(&self.first_topic).chain(&self.more_topics).find(|topic| topic.bundle_id == named)
    }
}
