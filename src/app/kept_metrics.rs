//! Metrics of what a reload has taken out of the configuration go, so that the page does not grow with each app that ever was.

use crate::config::{AppConfig, Config};
use crate::metrics::Metrics;
use crate::provider::Provider;
use crate::provider::apns::Apns;
use crate::provider::fcm::Fcm;
use crate::provider::mattermost::Mattermost;
use crate::provider::webpush::WebPush;

/// Keeps the metrics of the apps and callers of this configuration, and forgets those of all others.
pub(super) fn keep(metrics: &Metrics, config: &Config) {
    let has = |app: &str, provider: &str| {
        config.apps.iter().any(|it| it.id.as_str() == app && providers(it).any(|it| it == provider))
    };
    metrics.pushes.keep_apps(has);
    metrics.feeds.keep(|feed| config.feeds.iter().any(|it| &*it.name == feed));
    metrics.callers.keep(|caller| config.callers.iter().any(|it| it.name == caller));
}

fn providers(app: &AppConfig) -> impl Iterator<Item = &'static str> {
    let AppConfig { apns, fcm, mattermost, web_push, .. } = app;
    let named = [
        apns.as_ref().map(|_| Apns::KIND),
        fcm.as_ref().map(|_| Fcm::KIND),
        mattermost.as_ref().map(|_| Mattermost::KIND),
        web_push.as_ref().map(|_| WebPush::KIND),
    ];
    named.into_iter().flatten().map(|kind| kind.name())
}
