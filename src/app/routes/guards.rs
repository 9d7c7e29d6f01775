//! The guards over the targets of apps, which the routes of a configuration share with those of the one after it: what was
//! learned of an app's targets is good as long as the app shows the same credential.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use prometheus_client::metrics::gauge::Gauge;

use crate::dispatch::Guard;
use crate::provider::Provider;
use crate::push::{AppId, ProviderKind};

/// The guards that are in use, each with the name of the credential whose answers it judges.
#[derive(Default)]
pub(crate) struct Guards(Mutex<HashMap<(AppId, ProviderKind), InUse>>);

struct InUse {
    credential: String,
    guard: Weak<Guard>,
}

impl Guards {
    /// The guard of an app that shows this credential: the one that is in use, or a new one, which shows in `quarantine` whether
    /// it sets targets aside.
    pub(super) fn guard<P: Provider>(
        &self,
        app: &AppId,
        credential: String,
        quarantine: &Gauge,
    ) -> Arc<Guard> {
        // An entry is inserted whole or not at all, so a poisoned lock harms nothing.
        let mut guards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guards.retain(|_, known| known.guard.strong_count() > 0);
        let key = (app.clone(), P::KIND);
        let known = guards.get(&key).filter(|known| known.credential == credential);
        if let Some(guard) = known.and_then(|known| known.guard.upgrade()) {
            return guard;
        }
        let guard = Arc::new(Guard::new(app.clone(), P::KIND, P::SUSPECTS, quarantine.clone()));
        guards.insert(key, InUse { credential, guard: Arc::downgrade(&guard) });
        guard
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::apns::Apns;
    use crate::provider::fcm::Fcm;

    #[test]
    fn a_guard_is_that_of_an_app_a_provider_and_a_credential() {
        let (guards, shop, gauge) = (Guards::default(), AppId::parse("shop").unwrap(), Gauge::default());
        let first = guards.guard::<Apns>(&shop, "key".to_owned(), &gauge);
        assert!(Arc::ptr_eq(&first, &guards.guard::<Apns>(&shop, "key".to_owned(), &gauge)));
        assert!(!Arc::ptr_eq(&first, &guards.guard::<Fcm>(&shop, "key".to_owned(), &gauge)));
        let news = AppId::parse("news").unwrap();
        assert!(!Arc::ptr_eq(&first, &guards.guard::<Apns>(&news, "key".to_owned(), &gauge)));
        assert!(!Arc::ptr_eq(&first, &guards.guard::<Apns>(&shop, "other".to_owned(), &gauge)));
    }
}
