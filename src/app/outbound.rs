//! The half of a gateway that faces push services: pool, credentials, routes and desk, without a listener. A check asks the
//! push services by it, so that they are asked as every push would ask them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanfare_upstream::{Flow, InFlight, InvalidPath, Reply, TooManyPeers, UpstreamError};
use http::Method;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::ending::LAST_GOODBYE;
use super::feeding::NamedFeeds;
use super::network::Network;
use super::routes::{self, Lasting};
use super::running::desk_settings;
use crate::config::{AppConfig, Config, MattermostConfig};
use crate::desk::{Arrival, Caller, Desk, Draft, NoRoom};
use crate::dispatch::Dispatcher;
use crate::push::PushResult;

/// What faces push services.
pub(crate) struct Outbound {
    desk: Desk,
    lasting: Lasting,
}

/// Why a push proxy gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoReply {
    #[error(transparent)]
    TooManyPeers(#[from] TooManyPeers),
    #[error(transparent)]
    Path(#[from] InvalidPath),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("another request is in flight")]
    Busy,
}

impl Outbound {
    /// Builds every part, and connects to nobody yet.
    ///
    /// # Errors
    /// Fails if the configuration names too many upstreams.
    pub(crate) fn new(config: &Config, network: Network) -> Result<Self, TooManyPeers> {
        let lasting = Lasting::new(config, network);
        // A check tells nobody of its pushes.
        let (routes, _) = routes::build(config, &lasting, &NamedFeeds::default())?.used();
        let dispatcher = Dispatcher::new(config.dispatch.clone(), CancellationToken::new());
        let (admission, metrics) = (Arc::clone(&lasting.admission), lasting.metrics.pushes.clone());
        let desk = Desk::new(desk_settings(config), routes, admission, dispatcher, metrics);
        Ok(Self { desk, lasting })
    }

    /// Sends a push, and returns its verdict.
    ///
    /// # Errors
    /// Fails if there is no room for it.
    pub(crate) async fn send(&self, draft: Draft) -> Result<PushResult, NoRoom> {
        let arrival = Arrival { at: Instant::now(), timeout: None, round_trip: Duration::ZERO };
        Ok(self.desk.submit(&Caller::anyone(), draft, arrival).await?.result)
    }

    /// Asks an app's push proxy for what is at a path, over the connections on which its pushes go.
    ///
    /// # Errors
    /// Fails if no answer comes within this time.
    pub(crate) async fn get_from_push_proxy(
        &self,
        config: &Config,
        (app, mattermost): (&AppConfig, &MattermostConfig),
        path: &str,
        within: Duration,
    ) -> Result<Reply, NoReply> {
        let proxies = app.proxy.as_ref().or(config.proxy.as_ref());
        let peer = self.lasting.upstream.peer(routes::push_proxy(config, app, mattermost, proxies))?;
        let request = fanfare_upstream::Request::new(&Method::GET, &[path], Bytes::new())?;
        let share = Arc::<InFlight>::default().begin(1).ok_or(NoReply::Busy)?;
        let permit = peer.permit(Flow::SINGLE, Instant::now() + within).await.map_err(UpstreamError::from)?;
        Ok(permit.exchange(request.clone(), || Some(request.clone()), &share).await?.reply)
    }

    /// Closes every connection, and ends every task.
    pub(crate) async fn shut_down(self) {
        let Self { desk, lasting: Lasting { upstream, credentials, .. } } = self;
        drop(desk);
        upstream.shut_down();
        let _ = timeout(LAST_GOODBYE, credentials.shut_down()).await;
        upstream.abort();
        let _ = timeout(LAST_GOODBYE, upstream.closed()).await;
    }
}
