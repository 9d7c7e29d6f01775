//! What a caller may do. What is not listed is refused.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use fanfare_upstream::ServiceClass;

use super::denied::Denied;
use super::rate::Rate;
use super::rpc::Rpc;
use crate::push::{AppId, Audience, ProviderKind};

/// A list in which a permission stands, or `*` for everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed<T> {
    /// Everything is permitted, also what does not exist yet.
    Everything,
    /// What is in the list is permitted.
    These(BTreeSet<T>),
}

impl<T: Ord> Listed<T> {
    /// Permits nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self::These(BTreeSet::new())
    }

    pub(crate) fn has<Q: Ord + ?Sized>(&self, value: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        match self {
            Self::Everything => true,
            Self::These(listed) => listed.contains(value),
        }
    }

    /// Whether everything is permitted.
    #[must_use]
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self, Self::Everything)
    }
}

/// What a caller may do.
#[derive(Debug)]
pub struct Permissions {
    /// The apps that it may push for.
    pub apps: Listed<AppId>,
    /// The providers that it may push by, by their names in metrics, such as `apns`.
    pub providers: Listed<String>,
    /// The topics of FCM that it may push to. A condition is permitted if every topic in it is, and it reaches only
    /// who subscribed to one of them.
    pub topics: Listed<String>,
    /// The broadcast channels of APNs that it may push to, by their ids.
    pub broadcasts: Listed<String>,
    /// The RPCs that it may use.
    pub rpcs: Listed<Rpc>,
    /// Whether its pushes may go first.
    pub interactive: bool,
    /// Whether its pushes may come in large numbers.
    pub bulk: bool,
    /// How many pushes it may hand in a second; as many as it likes where there is none.
    pub rate: Option<Rate>,
    /// How many batch streams it may have open at a time; as many as its connections may where there is none.
    pub max_streams: Option<usize>,
    /// How its share of a push service's streams compares with those of other callers.
    pub weight: u8,
    /// Whether it may read what the admin listener says beyond health.
    pub admin: bool,
}

impl Permissions {
    /// Everything is permitted: the gateway has no callers in its configuration.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            apps: Listed::Everything,
            providers: Listed::Everything,
            topics: Listed::Everything,
            broadcasts: Listed::Everything,
            rpcs: Listed::Everything,
            interactive: true,
            bulk: true,
            rate: None,
            max_streams: None,
            weight: 1,
            admin: true,
        }
    }

    /// Nothing is permitted: the caller is no longer in the configuration.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            apps: Listed::nothing(),
            providers: Listed::nothing(),
            topics: Listed::nothing(),
            broadcasts: Listed::nothing(),
            rpcs: Listed::nothing(),
            interactive: false,
            bulk: false,
            rate: None,
            max_streams: Some(0),
            weight: 1,
            admin: false,
        }
    }

    /// Bounds the pushes a second, with a burst.
    #[must_use]
    pub fn at_most(self, pushes_per_second: std::num::NonZeroU32, burst: std::num::NonZeroU32) -> Self {
        Self { rate: Some(Rate::new(pushes_per_second, burst)), ..self }
    }

    /// Whether it may push for an app.
    pub(super) fn app(&self, app: &AppId) -> Result<(), Denied> {
        if self.apps.has(app) { Ok(()) } else { Err(Denied::App) }
    }

    /// Whether it may send a push of this class by this provider to these.
    pub(super) fn push(
        &self,
        class: ServiceClass,
        provider: ProviderKind,
        audience: Audience<'_>,
    ) -> Result<(), Denied> {
        let class_permitted = match class {
            ServiceClass::Interactive => self.interactive,
            ServiceClass::Bulk => self.bulk,
        };
        if !class_permitted {
            return Err(Denied::ServiceClass(class));
        }
        if !self.providers.has(provider.name()) {
            return Err(Denied::Provider(provider));
        }
        match audience {
            Audience::Device => Ok(()),
            Audience::Topic(topic) if self.topics.has(topic) => Ok(()),
            Audience::Condition(condition) if self.condition(condition) => Ok(()),
            Audience::Topic(_) | Audience::Condition(_) => Err(Denied::Topic),
            Audience::Broadcast(channel) if self.broadcasts.has(channel) => Ok(()),
            Audience::Broadcast(_) => Err(Denied::Broadcast),
        }
    }

    /// Whether every topic that a condition names is permitted. A name stands in single quotes; a condition whose quotes
    /// are not closed, or that has none, is permitted only where every topic is.
    ///
    /// `!('news' in topics)` reaches everybody else, also who subscribed to nothing. So a condition may negate only where it
    /// narrows a topic that it begins with, as `'news' in topics && !('quiet' in topics)` does.
    ///
    /// Source: Firebase, "Send messages to topics", conditions.
    fn condition(&self, condition: &str) -> bool {
        if self.topics.is_everything() {
            return true;
        }
        let parts = condition.split('\'').count();
        let mut names = condition.split('\'').skip(1).step_by(2);
        let closed = parts > 1 && parts % 2 == 1;
        let narrows = condition.trim_start().starts_with('\'') && !condition.contains('|');
        let reaches_others = condition.contains('!') && !narrows;
        // FCM is said to take double quotes as well: what stands in them was not looked at.
        closed
            && !reaches_others
            && !condition.contains(['"', '\\'])
            && names.all(|name| self.topics.has(name))
    }

    /// Whether it may use an RPC.
    pub(super) fn rpc(&self, rpc: Rpc) -> Result<(), Denied> {
        if self.rpcs.has(&rpc) { Ok(()) } else { Err(Denied::Rpc(rpc)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FCM: ProviderKind = ProviderKind::new("fcm", 2);

    fn topics(names: &[&str]) -> Permissions {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Permissions { topics: Listed::These(names), ..Permissions::everything() }
    }

    #[test]
    fn a_condition_is_permitted_if_every_topic_in_it_is() {
        let permissions = topics(&["news", "sport"]);
        let may =
            |condition| permissions.push(ServiceClass::Bulk, FCM, Audience::Condition(condition)).is_ok();
        assert!(may("'news' in topics"));
        assert!(may("'news' in topics && ('sport' in topics || 'news' in topics)"));
        assert!(may(" 'news' in topics && !('sport' in topics)"));
        for other in [
            "'news' in topics || 'staff' in topics",
            "'news in topics",
            "news in topics",
            "",
            "\"staff\" in topics || 'news' in topics",
            "'news' in topics || 'staff",
            "''  in topics",
            "'news\\' in topics || 'staff' in topics",
            "!('news' in topics)",
            "('news' in topics || !('sport' in topics))",
            "'news' in topics || !('news' in topics)",
            "!('sport' in topics) && 'news' in topics",
        ] {
            assert!(!may(other), "{other}");
        }
        assert!(topics(&[]).push(ServiceClass::Bulk, FCM, Audience::Condition("'a' in topics")).is_err());
    }

    #[test]
    fn what_is_not_listed_is_refused() {
        let nothing = Permissions::nothing();
        let app = AppId::parse("shop").unwrap();
        assert_eq!(nothing.app(&app), Err(Denied::App));
        for rpc in Rpc::ALL {
            assert_eq!(nothing.rpc(rpc), Err(Denied::Rpc(rpc)));
        }
        for class in [ServiceClass::Interactive, ServiceClass::Bulk] {
            assert_eq!(nothing.push(class, FCM, Audience::Device), Err(Denied::ServiceClass(class)));
        }
        let devices = Permissions {
            topics: Listed::nothing(),
            broadcasts: Listed::nothing(),
            ..Permissions::everything()
        };
        let push = |audience| devices.push(ServiceClass::Bulk, FCM, audience);
        assert_eq!(push(Audience::Device), Ok(()));
        assert_eq!(push(Audience::Topic("news")), Err(Denied::Topic));
        assert_eq!(push(Audience::Broadcast("c")), Err(Denied::Broadcast));
    }
}
