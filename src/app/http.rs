//! The HTTP listeners of the gateway: bound at the start, and given new settings by a reload. A listener is known by the address
//! that the configuration names, so another address takes a restart.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fanfare_upstream::{TooManyPeers, Upstream};
use rustls::RootCertStore;
use tokio::net::TcpListener;

use super::StartError;
use super::listeners::listen;
use crate::ingress::http::{Http, HttpParts, HttpSettings};
use crate::listener::{NewServerTls, ServerTls, ServerTlsError};
use crate::metrics::HttpMetrics;

/// An HTTP listener that serves.
pub(super) struct HttpListener {
    /// What metrics and the log call it.
    name: Arc<str>,
    /// The address that the configuration names.
    listen: SocketAddr,
    /// The one that was bound.
    pub(super) address: SocketAddr,
    tls: Option<ServerTls>,
    http: Arc<Http>,
}

/// A socket that listens, for a listener that does not serve yet.
pub(super) struct HttpSocket {
    settings: HttpSettings,
    socket: TcpListener,
    pub(super) address: SocketAddr,
}

impl HttpSocket {
    /// Binds the sockets. A batch ends by itself where its caller reads nothing for `reader_stall_timeout`.
    pub(super) async fn bind(
        all: Vec<HttpSettings>,
        reader_stall_timeout: Duration,
    ) -> Result<Vec<Self>, StartError> {
        let mut bound = Vec::new();
        for (at, mut settings) in all.into_iter().enumerate() {
            settings.listener.own_stall_timeout = reader_stall_timeout;
            let (socket, address) = listen(&format!("http.{at}.listen"), settings.listener.listen).await?;
            bound.push(Self { settings, socket, address });
        }
        Ok(bound)
    }

    /// The most connections that the configuration wants, which the limit of open files may lower.
    pub(super) fn max_connections(&mut self) -> &mut usize {
        &mut self.settings.listener.max_connections
    }

    /// Returns the listener, and what serves it: its name, its settings and its socket.
    pub(super) fn listener(
        self,
        parts: &HttpParts,
        metrics: &HttpMetrics,
    ) -> (HttpListener, Arc<Http>, String, HttpSettings, TcpListener) {
        let Self { settings, socket, address } = self;
        let name = format!("http:{address}");
        let http = Arc::new(Http::new(settings.clone(), &name, parts.clone(), metrics));
        let (listen, tls) = (settings.listener.listen, settings.listener.tls.clone());
        let listener = HttpListener { name: (&*name).into(), listen, address, tls, http: Arc::clone(&http) };
        (listener, http, name, settings, socket)
    }
}

impl HttpListener {
    /// Has clients asked for certificates of these authorities.
    pub(super) fn know_clients(&self, authorities: &[Arc<RootCertStore>]) -> Result<(), ServerTlsError> {
        self.tls.as_ref().map_or(Ok(()), |tls| tls.know_clients(authorities))
    }
}

/// Each listener with its newer settings, where the configuration names its address again. Ports that the system chose have
/// the same address in the configuration, so such listeners are told by their order.
pub(super) fn paired<'a>(
    listeners: &'a [HttpListener],
    newer: &'a [HttpSettings],
) -> impl Iterator<Item = (&'a HttpListener, &'a HttpSettings)> {
    listeners.iter().enumerate().filter_map(|(at, listener)| {
        let earlier = listeners.iter().take(at).filter(|it| it.listen == listener.listen).count();
        let mut same = newer.iter().filter(|settings| settings.listener.listen == listener.listen);
        Some((listener, same.nth(earlier)?))
    })
}

/// What the listeners show to those who connect, with the name of each.
pub(super) fn certificates<'a>(
    listeners: &'a [HttpListener],
    newer: &'a [HttpSettings],
) -> impl Iterator<Item = (&'a Arc<str>, &'a ServerTls)> {
    paired(listeners, newer)
        .filter_map(|(listener, settings)| Some((&listener.name, settings.listener.tls.as_ref()?)))
}

/// Makes the TLS of newer settings ready. Where TLS begins or ends with a restart, it goes on as it is until then.
pub(super) fn renewed_tls(
    listeners: &[HttpListener],
    newer: &[HttpSettings],
    authorities: &[Arc<RootCertStore>],
) -> Result<Vec<NewServerTls>, ServerTlsError> {
    let pairs: Vec<_> = paired(listeners, newer).collect();
    let newer_of = |listener: &HttpListener| {
        pairs.iter().find(|(it, _)| std::ptr::eq(*it, listener)).map(|(_, settings)| *settings)
    };
    let renewed = listeners.iter().filter_map(|listener| {
        let tls = listener.tls.as_ref()?;
        let newer = newer_of(listener).and_then(|settings| settings.listener.tls.as_ref()).unwrap_or(tls);
        Some(tls.renewed(newer, authorities))
    });
    renewed.collect()
}

/// Names the push proxies that are forwarded to, so that there is room for them before anything is changed.
pub(super) fn name_forwards(all: &[HttpSettings], upstream: &Upstream) -> Result<(), TooManyPeers> {
    let forwards = all.iter().filter_map(|settings| settings.mattermost.as_ref()?.forward.as_ref());
    forwards.into_iter().try_for_each(|forward| upstream.peer(forward.peer.clone()).map(drop))
}

/// Serves by newer settings from the next call on.
pub(super) fn change(listeners: &[HttpListener], newer: &[HttpSettings]) {
    for (listener, settings) in paired(listeners, newer) {
        listener.http.change(settings.clone());
    }
}
