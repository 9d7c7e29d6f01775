//! Turns a configuration into routes: what each app needs on each of its providers.
//!
//! This may be called again with another configuration while the routes of the former one are in use. Keys that are named
//! again keep their credential with its token, peers that are named again keep their connections, and apps that are named
//! again their share.

mod built;
mod guards;
mod lasting;
mod projects;

use std::sync::Arc;

use fanfare_upstream::tls::ClientTls;
use fanfare_upstream::{Http, Origin, Peer, PeerPool, Proxies, Reach, TooManyPeers};

pub(super) use built::Built;
pub(super) use lasting::Lasting;

use crate::app::feeding::NamedFeeds;
use crate::config::{
    ApnsConfig, ApnsCredential, AppConfig, ClientCertificate, Config, FcmConfig, MattermostConfig,
    WebPushConfig,
};
use crate::credential::google::{GoogleToken, Source};
use crate::credential::{Credential, CredentialHandle};
use crate::dispatch::{
    ApnsPeers, ApnsStandings, AppRoutes, FcmStandings, Route, RouteParts, Subscriptions, TargetPeers,
};
use crate::provider::Provider;
use crate::provider::apns::Apns;
use crate::provider::fcm::Fcm;
use crate::provider::mattermost::Mattermost;
use crate::provider::webpush::WebPush;
use crate::push::ApnsEnvironment;
use crate::status::RouteRecord;

/// Nothing changes but the peers of `upstream` before the routes are [used](Built::used).
pub(super) fn build(config: &Config, lasting: &Lasting, feeds: &NamedFeeds) -> Result<Built, TooManyPeers> {
    let mut builder = Builder { config, lasting, feeds, built: Built::default() };
    for app in &config.apps {
        let routes = builder.app(app)?;
        builder.built.apps.push((app.id.clone(), routes));
    }
    Ok(builder.built)
}

struct Builder<'a> {
    config: &'a Config,
    lasting: &'a Lasting,
    feeds: &'a NamedFeeds,
    built: Built,
}

/// What of a peer depends on the credential.
struct Identity<'a> {
    name: String,
    http: Http,
    tls: &'a Arc<ClientTls>,
    proves_credential: bool,
}

impl Builder<'_> {
    fn app(&mut self, app: &AppConfig) -> Result<AppRoutes, TooManyPeers> {
        let AppConfig { default_ttl, apns, fcm, mattermost, web_push, proxy, .. } = app;
        let proxies = proxy.as_ref().or(self.config.proxy.as_ref());
        let apns = apns.as_ref().map(|apns| self.apns(app, apns, proxies)).transpose()?;
        let fcm = fcm.as_ref().map(|fcm| self.fcm(app, fcm, proxies)).transpose()?;
        let mattermost =
            mattermost.as_ref().map(|mattermost| self.mattermost(app, mattermost, proxies)).transpose()?;
        let web_push = web_push.as_ref().map(|web_push| self.web_push(app, web_push, proxies));
        Ok(AppRoutes {
            default_ttl: *default_ttl,
            apns: apns.map(Arc::new),
            fcm: fcm.map(Arc::new),
            mattermost: mattermost.map(Arc::new),
            web_push: web_push.map(Arc::new),
        })
    }

    fn apns(
        &mut self,
        app: &AppConfig,
        apns: &ApnsConfig,
        proxies: Option<&Proxies>,
    ) -> Result<Route<Apns>, TooManyPeers> {
        let (credential, validity, identity) = match &apns.credential {
            ApnsCredential::Token(key) => {
                let identity = Identity {
                    name: format!("{}/{}", key.team_id().as_str(), key.key_id().as_str()),
                    http: Http::Two,
                    tls: self.config.apns_trust.tls(Http::Two),
                    proves_credential: true,
                };
                (Credential::ProviderToken(self.lasting.credentials.provider_token(key)), None, identity)
            }
            ApnsCredential::Certificate(certificate) => {
                let identity = Identity::by_certificate(certificate, Http::Two);
                (Credential::Certificate, Some(certificate.validity()), identity)
            }
        };
        let standings = {
            let standing = |environment: ApnsEnvironment| {
                let place = match environment {
                    ApnsEnvironment::Production => "apns production",
                    ApnsEnvironment::Sandbox => "apns sandbox",
                };
                match &apns.credential {
                    ApnsCredential::Token(key) => {
                        self.lasting.credentials.standings().of_signing_key(key, place)
                    }
                    ApnsCredential::Certificate(certificate) => {
                        self.lasting.credentials.standings().of_certificate(certificate.fingerprint(), place)
                    }
                }
            };
            ApnsStandings {
                production: standing(ApnsEnvironment::Production),
                sandbox: standing(ApnsEnvironment::Sandbox),
            }
        };
        let Config { apns_production, apns_sandbox, .. } = self.config;
        let shown = format!("{} {apns_production} {apns_sandbox}", apns.credential.name());
        let peers = ApnsPeers {
            production: self.peer(apns_production, &identity, proxies)?,
            sandbox: self.peer(apns_sandbox, &identity, proxies)?,
        };
        Ok(Route::of(RouteParts {
            standings: Box::new(standings),
            certificate: validity,
            ..self.parts(app, apns.provider.clone(), (credential, shown), peers)
        }))
    }

    fn fcm(
        &mut self,
        app: &AppConfig,
        fcm: &FcmConfig,
        proxies: Option<&Proxies>,
    ) -> Result<Route<Fcm>, TooManyPeers> {
        let upstream = &self.config.fcm;
        let credential = Credential::AccessToken(self.access_token(&fcm.credential, proxies)?);
        let identity = match &fcm.certificate {
            Some(certificate) => Identity::by_certificate(certificate, Http::Either),
            None => Identity::shared(Http::Either, upstream.trust.tls(Http::Either)),
        };
        let peer = self.peer(&upstream.origin, &identity, proxies)?;
        let project = fcm.provider.project_id();
        let per_minute = self.quota(project);
        let shown = format!("{} {}", fcm.credential_name(), upstream.origin);
        let (breaker, projects) = (self.config.upstream.breaker, &self.lasting.projects);
        let standings = FcmStandings {
            project: self
                .lasting
                .credentials
                .standings()
                .of_source(&fcm.credential, &format!("fcm project {project}")),
            token_endpoint: self.lasting.credentials.token_standing(&fcm.credential),
        };
        Ok(Route::of(RouteParts {
            standings: Box::new(standings),
            certificate: fcm.certificate.as_ref().map(ClientCertificate::validity),
            pacer: Some(projects.pacer(project, per_minute, &self.lasting.upstream, &self.lasting.metrics)),
            breaker: Some(projects.breaker(project, breaker, &self.lasting.metrics)),
            ..self.parts(app, fcm.provider.clone(), (credential, shown), peer)
        }))
    }

    /// How many pushes a minute a project is sent: what one of its apps names, and the least where they name several, because
    /// the quota is the project's and not an app's.
    fn quota(&self, project: &str) -> u32 {
        let of_all = self.config.apps.iter().filter_map(|app| app.fcm.as_ref());
        let of_project = of_all.filter(|fcm| fcm.provider.project_id() == project);
        let named = of_project.filter_map(|fcm| fcm.pushes_per_minute).min();
        named.unwrap_or(self.config.fcm.pushes_per_minute)
    }

    fn access_token(
        &mut self,
        source: &Arc<Source>,
        proxies: Option<&Proxies>,
    ) -> Result<CredentialHandle<GoogleToken>, TooManyPeers> {
        let identity = Identity::shared(Http::Either, self.config.fcm.trust.tls(Http::Either));
        let endpoint = self.peer(source.endpoint().origin(), &identity, proxies)?;
        let token = self.lasting.credentials.access_token(source, endpoint.clone());
        self.built.endpoints.push((token.clone(), endpoint));
        Ok(token)
    }

    fn mattermost(
        &mut self,
        app: &AppConfig,
        mattermost: &MattermostConfig,
        proxies: Option<&Proxies>,
    ) -> Result<Route<Mattermost>, TooManyPeers> {
        let peer = self.lasting.upstream.peer(push_proxy(self.config, app, mattermost, proxies))?;
        let shown = mattermost.origin.to_string();
        Ok(Route::of(self.parts(app, mattermost.provider.clone(), (Credential::None, shown), peer)))
    }

    fn web_push(
        &mut self,
        app: &AppConfig,
        web_push: &WebPushConfig,
        proxies: Option<&Proxies>,
    ) -> Route<WebPush> {
        let upstream = &self.config.web_push;
        let vapid = self.lasting.credentials.vapid(&web_push.application_server, upstream.max_origins);
        let identity = Identity::shared(web_push.http, upstream.trust.tls(web_push.http));
        let template = Peer {
            reach: if web_push.private_addresses { Reach::Anywhere } else { Reach::Public },
            // Each subscription names an origin, which takes the place of this one.
            ..identity.at(Origin::https("subscription.invalid"), None)
        };
        self.built.vapid.push((vapid.clone(), upstream.max_origins));
        self.built.subscriptions.push((template.clone(), proxies.cloned()));
        let upstream = Arc::clone(&self.lasting.upstream);
        let subscriptions = Subscriptions::new(upstream, template, proxies.cloned());
        let shown = format!("{:?}", web_push.application_server.identity());
        Route::of(self.parts(
            app,
            web_push.provider.clone(),
            (Credential::Vapid(vapid), shown),
            subscriptions,
        ))
    }

    /// What each route has, where the app shows a credential, and where what it shows and to whom has this name.
    fn parts<P: Provider>(
        &self,
        app: &AppConfig,
        provider: P,
        (credential, shown): (Credential, String),
        peers: impl TargetPeers<P> + 'static,
    ) -> RouteParts<P> {
        let Lasting { metrics, admission, guards, problems, .. } = self.lasting;
        let metrics = metrics.pushes.app_answered(app.id.as_str(), P::KIND, &P::known_answers());
        let settings = format!("{shown} {provider:?}");
        RouteParts {
            guard: Some(guards.guard::<P>(&app.id, settings, metrics.quarantine())),
            sharer: admission.app(&app.id),
            weight: app.weight,
            record: RouteRecord::new(Arc::clone(problems)),
            feeds: self.feeds.of_app(&app.id),
            ..RouteParts::new(app.id.clone(), provider, credential, peers, metrics)
        }
    }

    fn peer(
        &self,
        origin: &Origin,
        identity: &Identity<'_>,
        proxies: Option<&Proxies>,
    ) -> Result<PeerPool, TooManyPeers> {
        self.lasting.upstream.peer(identity.at(origin.clone(), proxies))
    }
}

/// The peer of an app's Mattermost push proxy.
pub(super) fn push_proxy(
    config: &Config,
    app: &AppConfig,
    mattermost: &MattermostConfig,
    proxies: Option<&Proxies>,
) -> Peer {
    let http = mattermost.http;
    let identity = match &mattermost.trust {
        // Connections that were verified by roots of this app alone are not shared with others.
        Some(trust) => Identity { name: app.id.to_string(), ..Identity::shared(http, trust.tls(http)) },
        None => Identity::shared(http, config.trust.tls(http)),
    };
    identity.at(mattermost.origin.clone(), proxies)
}

impl<'a> Identity<'a> {
    /// Apps share the connections, because each request says who sends it.
    fn shared(http: Http, tls: &'a Arc<ClientTls>) -> Self {
        Self { name: String::new(), http, tls, proves_credential: false }
    }

    fn by_certificate(certificate: &'a ClientCertificate, http: Http) -> Self {
        Self { name: certificate.label(), http, tls: certificate.tls(), proves_credential: false }
    }

    fn at(&self, origin: Origin, proxies: Option<&Proxies>) -> Peer {
        Peer {
            proxy: proxies.and_then(|proxies| proxies.on_the_way_to(&origin)),
            origin,
            identity: self.name.as_str().into(),
            tls: Arc::clone(self.tls),
            http: self.http,
            reach: Reach::Anywhere,
            proves_credential: self.proves_credential,
        }
    }
}

#[cfg(test)]
mod tests;
