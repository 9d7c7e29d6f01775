//! The guards over the targets of apps, which the routes of a configuration share with those of the one after it: what was
//! learned of an app's targets is good as long as the configuration says the same of the app on its push service. Answers of an
//! environment, a topic, a key or a project that was wrong say nothing of the one that takes its place, and neither do good ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use prometheus_client::metrics::gauge::Gauge;

use crate::dispatch::Guard;
use crate::provider::Provider;
use crate::push::{AppId, ProviderKind};

/// The guards that are in use, each with the settings under which its answers came.
#[derive(Default)]
pub(crate) struct Guards(Mutex<HashMap<(AppId, ProviderKind), InUse>>);

struct InUse {
    settings: String,
    guard: Weak<Guard>,
}

impl Guards {
    /// The guard of an app that has these settings: the one that is in use, or a new one, which shows in `quarantine` whether it
    /// sets targets aside. The settings are no secret, and for no reader.
    pub(super) fn guard<P: Provider>(&self, app: &AppId, settings: String, quarantine: &Gauge) -> Arc<Guard> {
        // An entry is inserted whole or not at all, so a poisoned lock harms nothing.
        let mut guards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guards.retain(|_, known| known.guard.strong_count() > 0);
        let key = (app.clone(), P::KIND);
        let known = guards.get(&key).filter(|known| known.settings == settings);
        if let Some(guard) = known.and_then(|known| known.guard.upgrade()) {
            return guard;
        }
        let guard = Arc::new(Guard::new(app.clone(), P::KIND, P::SUSPECTS, quarantine.clone()));
        guards.insert(key, InUse { settings, guard: Arc::downgrade(&guard) });
        guard
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::apns::Apns;
    use crate::provider::fcm::Fcm;

    #[test]
    fn a_guard_is_that_of_an_app_a_provider_and_its_settings() {
        let (guards, shop, gauge) = (Guards::default(), AppId::parse("shop").unwrap(), Gauge::default());
        let first = guards.guard::<Apns>(&shop, "key".to_owned(), &gauge);
        assert!(Arc::ptr_eq(&first, &guards.guard::<Apns>(&shop, "key".to_owned(), &gauge)));
        assert!(!Arc::ptr_eq(&first, &guards.guard::<Fcm>(&shop, "key".to_owned(), &gauge)));
        let news = AppId::parse("news").unwrap();
        assert!(!Arc::ptr_eq(&first, &guards.guard::<Apns>(&news, "key".to_owned(), &gauge)));
        assert!(!Arc::ptr_eq(&first, &guards.guard::<Apns>(&shop, "other".to_owned(), &gauge)));
    }
}
