//! Builds what each app needs on each of its providers. A key that several apps name is one credential, with one
//! token for all; a peer that several apps reach alike is one, with its connections shared.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::StartError;
use super::certificates::Certificates;
use crate::config::{
    ApnsConfig, ApnsCredential, AppConfig, Config, FcmConfig, MattermostConfig, WebPushConfig,
};
use crate::credential::Credential;
use crate::credential::apns::{KeyId, ProviderToken, TeamId};
use crate::credential::google::{GoogleToken, Source};
use crate::credential::vapid::Vapid;
use crate::dispatch::{ApnsPeers, AppRoutes, Peers, Route, Routes, Subscriptions};
use crate::metrics::Metrics;
use crate::provider::Provider;
use crate::provider::apns::Apns;
use crate::provider::fcm::Fcm;
use crate::provider::mattermost::Mattermost;
use crate::provider::webpush::WebPush;
use crate::push::AppId;
use crate::upstream::tls::{self, ClientIdentity};
use crate::upstream::{Http, Origin, Peer, PeerPool, Proxies, Reach, Upstream, Validity};

pub(super) fn build(
    apps: Vec<AppConfig>,
    config: &Config,
    upstream: &Arc<Upstream>,
    metrics: &Metrics,
    stop: &CancellationToken,
) -> Result<(Routes, Certificates), StartError> {
    let (tokens, access_tokens, vapid, roots, plain_tls, certificates) = Default::default();
    let mut builder = Builder {
        config,
        upstream,
        metrics,
        stop,
        tokens,
        access_tokens,
        vapid,
        roots,
        plain_tls,
        certificates,
    };
    let routes = apps.into_iter().map(|app| builder.app(app)).collect::<Result<_, _>>()?;
    Ok((routes, builder.certificates))
}

struct Builder<'a> {
    config: &'a Config,
    upstream: &'a Arc<Upstream>,
    metrics: &'a Metrics,
    stop: &'a CancellationToken,
    tokens: HashMap<(String, String), Arc<ProviderToken>>,
    /// By key file and endpoint.
    access_tokens: HashMap<([u8; 32], String), Arc<GoogleToken>>,
    /// By public key and subject.
    vapid: HashMap<(String, String), Arc<Vapid>>,
    /// By what is trusted beside what all trust.
    roots: HashMap<Vec<Vec<u8>>, Arc<RootCertStore>>,
    plain_tls: HashMap<(Vec<Vec<u8>>, Http), Arc<ClientConfig>>,
    certificates: Certificates,
}

/// Who the gateway is to a peer, and what it asks of it.
struct Identity {
    name: String,
    http: Http,
    tls: Arc<ClientConfig>,
    proves_credential: bool,
}

impl Builder<'_> {
    fn app(&mut self, app: AppConfig) -> Result<(AppId, AppRoutes), StartError> {
        let AppConfig { id, default_ttl, apns, fcm, mattermost, web_push, proxy } = app;
        let proxies = proxy.as_ref();
        let apns = apns.map(|apns| self.apns(&id, apns, proxies)).transpose()?.map(Arc::new);
        let fcm = fcm.map(|fcm| self.fcm(&id, fcm, proxies)).transpose()?.map(Arc::new);
        let mattermost = mattermost.map(|it| self.mattermost(&id, it, proxies)).transpose()?.map(Arc::new);
        let web_push = web_push.map(|it| self.web_push(&id, it, proxies)).transpose()?.map(Arc::new);
        Ok((id, AppRoutes { default_ttl, apns, fcm, mattermost, web_push }))
    }

    fn apns(
        &mut self,
        app: &AppId,
        apns: ApnsConfig,
        proxies: Option<&Proxies>,
    ) -> Result<Route<Apns>, StartError> {
        let extra = &self.config.apns_extra_roots;
        let mut validity = None;
        let (credential, name, tls) = match apns.credential {
            ApnsCredential::Token { key, key_id, team_id } => {
                let name = format!("{team_id}/{key_id}");
                let token = self.provider_token(app, &key, (team_id, key_id))?;
                (Credential::ProviderToken(token), name, self.tls(app, extra, None, Http::Two)?)
            }
            ApnsCredential::Certificate(certificate) => {
                let name = format!("certificate {}", fingerprint(&certificate));
                validity = Some(certificate.validity());
                (Credential::Certificate, name, self.tls(app, extra, Some(certificate), Http::Two)?)
            }
        };
        let proves_credential = matches!(credential, Credential::ProviderToken(_));
        let identity = Identity { name, http: Http::Two, tls, proves_credential };
        let peers = ApnsPeers {
            production: self.peer(&self.config.apns_production, &identity, proxies)?,
            sandbox: self.peer(&self.config.apns_sandbox, &identity, proxies)?,
        };
        let route = self.route(app, apns.provider, credential, peers);
        Ok(self.with_certificate(app, route, validity))
    }

    fn fcm(
        &mut self,
        app: &AppId,
        fcm: FcmConfig,
        proxies: Option<&Proxies>,
    ) -> Result<Route<Fcm>, StartError> {
        let config = self.config;
        let token = self.access_token(app, fcm.credential, proxies)?;
        // Projects share connections: who sends is said by each request.
        let name = fcm
            .certificate
            .as_ref()
            .map_or_else(String::new, |it| format!("certificate {}", fingerprint(it)));
        let validity = fcm.certificate.as_ref().map(ClientIdentity::validity);
        let tls = self.tls(app, &config.fcm.extra_roots, fcm.certificate, Http::Either)?;
        let identity = Identity { name, http: Http::Either, tls, proves_credential: false };
        let peer = self.peer(&config.fcm.origin, &identity, proxies)?;
        let route = self.route(app, fcm.provider, Credential::AccessToken(token), peer);
        Ok(self.with_certificate(app, route, validity))
    }

    /// One for all apps that name the same credential and ask for its tokens by the same way.
    fn access_token(
        &mut self,
        app: &AppId,
        source: Source,
        proxies: Option<&Proxies>,
    ) -> Result<Arc<GoogleToken>, StartError> {
        let config = self.config;
        let tls = self.tls(app, &config.fcm.extra_roots, None, Http::Either)?;
        let identity = Identity { name: String::new(), http: Http::Either, tls, proves_credential: false };
        let endpoint = self.peer(source.endpoint().origin(), &identity, proxies)?;
        let key = (source.fingerprint(), source.endpoint().to_string());
        match self.access_tokens.entry(key) {
            Entry::Occupied(known) => Ok(Arc::clone(known.get())),
            Entry::Vacant(vacant) => {
                let metrics = self.metrics.credentials.token(source.identity());
                let token = Arc::new(GoogleToken::new(source, endpoint, metrics));
                tokio::spawn(Arc::clone(&token).keep_fresh(self.stop.clone()));
                Ok(Arc::clone(vacant.insert(token)))
            }
        }
    }

    fn mattermost(
        &mut self,
        app: &AppId,
        it: MattermostConfig,
        proxies: Option<&Proxies>,
    ) -> Result<Route<Mattermost>, StartError> {
        // One that trusts others than the rest do is a peer of its own.
        let name = if it.extra_roots.is_empty() { String::new() } else { app.to_string() };
        let tls = self.tls(app, &it.extra_roots, None, it.http)?;
        let identity = Identity { name, http: it.http, tls, proves_credential: false };
        let peer = self.peer(&it.origin, &identity, proxies)?;
        Ok(self.route(app, it.provider, Credential::None, peer))
    }

    fn web_push(
        &mut self,
        app: &AppId,
        it: WebPushConfig,
        proxies: Option<&Proxies>,
    ) -> Result<Route<WebPush>, StartError> {
        let vapid = self.vapid(app, &it)?;
        let template = Peer {
            // Each subscription's own takes its place.
            origin: Origin::https("subscription.invalid"),
            // Apps share connections: who sends is said by each request.
            identity: "".into(),
            tls: self.tls(app, &self.config.web_push.extra_roots, None, it.http)?,
            http: it.http,
            proxy: None,
            reach: if it.private_addresses { Reach::Anywhere } else { Reach::Public },
            proves_credential: false,
        };
        let proxies = proxies.or(self.config.proxy.as_ref()).cloned();
        let subscriptions = Subscriptions::new(Arc::clone(self.upstream), template, proxies);
        Ok(self.route(app, it.provider, Credential::Vapid(vapid), subscriptions))
    }

    /// One for all apps that name the same key and subject: a push service sees one application server.
    fn vapid(&mut self, app: &AppId, it: &WebPushConfig) -> Result<Arc<Vapid>, StartError> {
        let max_origins = self.config.web_push.max_origins;
        let made = Vapid::new(&it.key, &it.subject, max_origins)
            .map_err(|source| StartError::Credential { app: app.clone(), source })?;
        let key = (made.public_key().to_owned(), it.subject.clone());
        Ok(Arc::clone(self.vapid.entry(key).or_insert_with(|| Arc::new(made))))
    }

    fn route<P: Provider>(
        &self,
        app: &AppId,
        provider: P,
        credential: Credential,
        peers: impl Peers<P> + 'static,
    ) -> Route<P> {
        let metrics = self.metrics.pushes.app(app.as_str(), P::KIND);
        Route::new(app.clone(), provider, credential, peers, metrics)
    }

    fn with_certificate<P: Provider>(
        &mut self,
        app: &AppId,
        route: Route<P>,
        certificate: Option<Validity>,
    ) -> Route<P> {
        if let Some(certificate) = certificate {
            self.metrics.credentials.certificate(app.as_str(), P::KIND.name(), certificate.until());
            self.certificates.add(app.clone(), P::KIND, certificate);
        }
        route.with_certificate(certificate)
    }

    fn peer(
        &self,
        origin: &Origin,
        identity: &Identity,
        proxies: Option<&Proxies>,
    ) -> Result<PeerPool, StartError> {
        let proxies = proxies.or(self.config.proxy.as_ref());
        let peer = Peer {
            origin: origin.clone(),
            identity: identity.name.as_str().into(),
            tls: Arc::clone(&identity.tls),
            http: identity.http,
            proxy: proxies.and_then(|proxies| proxies.on_the_way_to(origin)),
            reach: Reach::Anywhere,
            proves_credential: identity.proves_credential,
        };
        Ok(self.upstream.peer(peer)?)
    }

    /// One for all who trust the same and have nothing to show: it holds the sessions to resume.
    fn tls(
        &mut self,
        app: &AppId,
        extra: &[Vec<u8>],
        certificate: Option<ClientIdentity>,
        http: Http,
    ) -> Result<Arc<ClientConfig>, StartError> {
        let failed = |source| StartError::Tls { app: app.clone(), source };
        let roots = match self.roots.entry(extra.to_vec()) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(vacant) => {
                let pems: Vec<_> = self.config.extra_roots.iter().chain(extra).cloned().collect();
                Arc::clone(vacant.insert(tls::roots(&pems).map_err(failed)?))
            }
        };
        if certificate.is_some() {
            return tls::client_config(roots, certificate, http).map_err(failed);
        }
        match self.plain_tls.entry((extra.to_vec(), http)) {
            Entry::Occupied(known) => Ok(Arc::clone(known.get())),
            Entry::Vacant(vacant) => {
                Ok(Arc::clone(vacant.insert(tls::client_config(roots, None, http).map_err(failed)?)))
            }
        }
    }

    fn provider_token(
        &mut self,
        app: &AppId,
        key: &SecretString,
        (team_id, key_id): (String, String),
    ) -> Result<Arc<ProviderToken>, StartError> {
        match self.tokens.entry((team_id, key_id)) {
            Entry::Occupied(known) => Ok(Arc::clone(known.get())),
            Entry::Vacant(vacant) => {
                let (team_id, key_id) = vacant.key();
                let token = KeyId::parse(key_id)
                    .and_then(|key_id| ProviderToken::new(key, key_id, TeamId::parse(team_id)?))
                    .map_err(|source| StartError::Credential { app: app.clone(), source })?;
                let token = Arc::clone(vacant.insert(Arc::new(token)));
                tokio::spawn(Arc::clone(&token).keep_fresh(self.stop.clone()));
                Ok(token)
            }
        }
    }
}

/// Tells certificates apart in logs and metrics.
fn fingerprint(certificate: &ClientIdentity) -> String {
    Sha256::digest(certificate.leaf()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
