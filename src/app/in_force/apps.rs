//! Apps, callers, roots and proxies as texts that differ where they do. Keys and passwords are in them as digests alone.

use std::hash::{DefaultHasher, Hash, Hasher};

use fanfare_upstream::{Http, Proxies};

use crate::caller::CallerSettings;
use crate::config::{
    ApnsConfig, AppConfig, ClientCertificate, FcmConfig, MattermostConfig, Trust, WebPushConfig,
};
use crate::feed::FeedSettings;

pub(super) fn app(app: &AppConfig) -> String {
    let AppConfig { id, default_ttl, weight, apns, fcm, mattermost, web_push, proxy: own } = app;
    let apns = apns.as_ref().map(|ApnsConfig { provider, credential }| {
        let tls = credential.certificate().map(ClientCertificate::tls);
        (provider, credential.name(), tls)
    });
    let fcm = fcm.as_ref().map(|fcm| {
        let FcmConfig { provider, credential: _, certificate, pushes_per_minute } = fcm;
        let tls = certificate.as_ref().map(ClientCertificate::tls);
        (provider, fcm.credential_name(), tls, pushes_per_minute)
    });
    let mattermost = mattermost.as_ref().map(|MattermostConfig { provider, origin, http, trust }| {
        (provider, origin, http, trust.as_ref().map(roots))
    });
    let web_push = web_push.as_ref().map(|web_push| {
        let WebPushConfig { provider, application_server, private_addresses, http } = web_push;
        (provider, application_server.identity(), private_addresses, http)
    });
    let proxy = proxy(own.as_ref());
    format!("{:?}", (id, default_ttl, weight, apns, fcm, mattermost, web_push, proxy))
}

pub(super) fn caller(caller: &CallerSettings) -> String {
    let roots = caller.certificate.as_ref().map(|certificate| &certificate.roots().roots);
    format!("{caller:?} {roots:?}")
}

pub(super) fn feed(feed: &FeedSettings) -> String {
    let mut hasher = DefaultHasher::new();
    feed.peer.proxy.hash(&mut hasher);
    format!("{feed:?} {:?} {}", feed.peer.tls, hasher.finish())
}

pub(super) fn roots(trust: &Trust) -> String {
    format!("{:?}", trust.tls(Http::Two))
}

/// A digest, since a proxy may have a password.
pub(super) fn proxy(proxies: Option<&Proxies>) -> u64 {
    let mut hasher = DefaultHasher::new();
    proxies.hash(&mut hasher);
    hasher.finish()
}
