//! HTTP proxies that open a tunnel to a peer (CONNECT). Source: RFC 9110, section 9.3.6.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret, SecretString};

use crate::connect_error::ConnectError;
use crate::origin::Origin;
use crate::transport::Io;

/// The longest head of a proxy's answer, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// An HTTP proxy that opens tunnels to peers. With other credentials it is another proxy, and the peers behind it are
/// other peers.
#[derive(PartialEq, Eq, Hash)]
pub struct Proxy {
    origin: Origin,
    authorization: Option<HeaderValue>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({})", self.origin)
    }
}

impl Proxy {
    /// A proxy at an origin. `credentials` are `user:password`, and are sent as Basic credentials; `Debug` does not
    /// show them. Source: RFC 7617, section 2.
    #[must_use]
    pub fn new(origin: Origin, credentials: Option<&SecretString>) -> Self {
        let basic = |secret: &SecretString| {
            let mut value =
                HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(secret.expose_secret()))).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        Self { origin, authorization: credentials.and_then(basic) }
    }

    /// The origin of the proxy.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Opens a tunnel to an origin, on a connection to the proxy.
    pub(crate) async fn tunnel(&self, io: Box<dyn Io>, to: &Origin) -> Result<Box<dyn Io>, ConnectError> {
        let (proxy, host) = (|| self.origin.clone(), || to.host().to_owned());
        let failed = |source| ConnectError::Proxy { proxy: proxy(), host: host(), source };
        let begun = http1::Builder::new().max_buf_size(MAX_HEAD_BYTES).handshake(TokioIo::new(io)).await;
        let (mut sender, connection) = begun.map_err(failed)?;
        // This task ends when the tunnel is open, or when the sender is dropped.
        tokio::spawn(connection.with_upgrades());

        let mut request =
            Request::connect(to.host_and_port()).body(Empty::<Bytes>::new()).unwrap_or_default();
        // Host and port were parsed as a part of a URI, so they are a header value.
        if let Ok(host) = HeaderValue::from_str(&to.host_and_port()) {
            request.headers_mut().insert(HOST, host);
        }
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        let answer = sender.send_request(request).await.map_err(failed)?;
        if !answer.status().is_success() {
            let status = answer.status().as_u16();
            return Err(ConnectError::ProxyRefused { proxy: proxy(), host: host(), status });
        }
        let tunnel = hyper::upgrade::on(answer).await.map_err(failed)?;
        Ok(Box::new(TokioIo::new(tunnel)))
    }
}

/// A proxy, and the hosts that are reached without it. It decides which peers go through the proxy.
#[derive(Debug, Clone)]
pub struct Proxies {
    proxy: Arc<Proxy>,
    no_proxy: String,
    matcher: Arc<Matcher>,
}

/// It tells by the proxy, its credentials and the hosts that are reached without it.
impl Hash for Proxies {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.proxy, &self.no_proxy).hash(state);
    }
}

impl Proxies {
    /// All hosts go through `proxy`, but for those in `no_proxy`. That has names (which stand for the names below them
    /// too), addresses, networks such as `10.0.0.0/8`, or `*` for all hosts.
    #[must_use]
    pub fn new(proxy: Proxy, no_proxy: &[String]) -> Self {
        let url = proxy.origin.to_string();
        let no_proxy = no_proxy.join(",");
        let matcher = Matcher::builder().all(url).no(no_proxy.as_str()).build();
        Self { proxy: Arc::new(proxy), no_proxy, matcher: Arc::new(matcher) }
    }

    /// The proxy on the way to an origin, if there is one.
    #[must_use]
    pub fn on_the_way_to(&self, origin: &Origin) -> Option<Arc<Proxy>> {
        let uri = origin.to_string().parse().ok()?;
        self.matcher.intercept(&uri).map(|_| Arc::clone(&self.proxy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_named_in_no_proxy_are_reached_without_it() {
        let proxy = Proxy::new("http://proxy:3128".parse().unwrap(), Some(&"user:secret".to_owned().into()));
        assert!(!format!("{proxy:?}").contains("secret"));
        let no_proxy = ["internal.example", "10.0.0.0/8", "::1"].map(str::to_owned);
        let proxies = Proxies::new(proxy, &no_proxy);
        for (origin, through) in [
            ("https://example.com", true),
            ("https://internal.example", false),
            ("https://below.internal.example:8066", false),
            ("http://10.1.2.3:8066", false),
            ("http://11.1.2.3:8066", true),
            ("https://[::1]:8066", false),
        ] {
            assert_eq!(proxies.on_the_way_to(&origin.parse().unwrap()).is_some(), through, "{origin}");
        }
        let none = Proxies::new(Proxy::new("http://proxy".parse().unwrap(), None), &["*".to_owned()]);
        assert!(none.on_the_way_to(&"https://example.com".parse().unwrap()).is_none());
    }
}
