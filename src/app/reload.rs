//! Another configuration holds while the gateway serves. All that can fail is done first, so that a configuration that cannot
//! be used changes nothing; then everything is swapped.
//!
//! A push in flight keeps its route, with the peers and credentials of that, until its verdict. What both configurations name
//! stays the same thing: peers keep their connections, credentials their tokens, guards and breakers what they learned.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use fanfare_upstream::TooManyPeers;

use super::error::ReloadError;
use super::feeding::NamedFeeds;
use super::in_force::Reloaded;
use super::issuers::Issuers;
use super::routes::Lasting;
use super::running::{Running, desk_settings};
use super::{Gateway, http, kept_metrics, listeners, routes};
use crate::config::Config;
use crate::listener::{NewServerTls, ServerTlsError};

impl Gateway {
    /// This configuration holds from now on, but for the keys that need a restart, which the result names. No push is lost,
    /// sent twice or refused for it.
    ///
    /// # Errors
    /// Fails where the configuration cannot be used; then everything stays as it was.
    pub fn reload(&self, config: Config) -> Result<Reloaded, ReloadError> {
        // Held to the end, so that of two reloads one is whole before the other begins.
        let mut running = self.running();
        let tls = self.renewed_tls(&config)?;
        self.lasting.upstream.name_anew(&config.upstream);
        let built =
            self.build(&config, &running.issuers).inspect_err(|_| self.lasting.upstream.keep_former())?;
        let (routes, issuers, feeds) = built;
        let metrics = &self.lasting.metrics;

        // From here on nothing fails.
        let (routes, reached) = routes.used();
        tls.into_iter().for_each(NewServerTls::hold);
        http::change(&self.http, &config.http);
        self.lasting.admission.resize(config.max_in_flight);
        metrics.pushes.in_flight_limit(config.max_in_flight);
        self.budget.resize(config.max_held_bytes);
        self.desk.change(desk_settings(&config), config.dispatch.clone());
        self.desk.swap_routes(routes);
        self.lasting.feeding.run(feeds);
        self.certificates.watch(&config, &self.http);
        let reloaded = running.in_force.change(&config);
        (running.drain_delay, running.drain_timeout) = (config.drain_delay, config.drain_timeout);
        running.issuers = issuers;
        kept_metrics::keep(metrics, &config);
        self.callers.change(config.callers, running.issuers.used());
        // Whoever watches an app's health may ask for it by what the callers may do now.
        self.health.set_apps(&config.apps);
        self.lasting.upstream.keep_named(|peer| reached.as_before(peer));
        Ok(reloaded)
    }

    fn renewed_tls(&self, config: &Config) -> Result<Vec<NewServerTls>, ServerTlsError> {
        let authorities = listeners::authorities(&config.callers);
        let newer = [&config.grpc.listener.tls, &config.admin.listener.tls];
        let of_both = self.tls.iter().zip(newer);
        let of_http = http::renewed_tls(&self.http, &config.http, &authorities)?;
        let renewed = of_both.filter_map(|(tls, newer)| {
            // Where TLS begins or ends with a restart, it goes on as it is until then.
            let tls = tls.as_ref()?;
            Some(tls.renewed(newer.as_ref().unwrap_or(tls), &authorities))
        });
        renewed.chain(of_http.into_iter().map(Ok)).collect()
    }

    fn build(
        &self,
        config: &Config,
        former: &Issuers,
    ) -> Result<(routes::Built, Issuers, NamedFeeds), TooManyPeers> {
        let Lasting { upstream, metrics, feeding, .. } = &self.lasting;
        let feeds = feeding.named(config, upstream, &metrics.feeds)?;
        let routes = routes::build(config, &self.lasting, &feeds)?;
        http::name_forwards(&config.http, upstream)?;
        let (of_issuers, tasks, stop) = (&metrics.issuers, &self.issuers, &self.stop);
        Ok((routes, Issuers::of(config, former, upstream, of_issuers, tasks, stop)?, feeds))
    }

    /// How long a shutdown goes on taking calls.
    pub(super) fn drain_delay(&self) -> Duration {
        self.running().drain_delay
    }

    /// How long a shutdown waits for the pushes in flight.
    pub(super) fn drain_timeout(&self) -> Duration {
        self.running().drain_timeout
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        // A reload that panicked left a gateway whose parts are each of one configuration.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
