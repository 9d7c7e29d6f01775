//! A way out of the building: HTTP CONNECT. Source: RFC 9110, section 9.3.6.

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::error::ConnectError;
use super::peer::Origin;
use crate::transport::Io;

/// The longest head of a proxy's answer, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// An HTTP proxy that opens tunnels.
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
    /// A proxy, and what it is told of us: a `Proxy-Authorization`.
    #[must_use]
    pub fn new(origin: Origin, mut authorization: Option<HeaderValue>) -> Self {
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        Self { origin, authorization }
    }

    /// Where it is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Asks for a way to an origin, on a connection to the proxy.
    pub(super) async fn tunnel(&self, io: Box<dyn Io>, to: &Origin) -> Result<Box<dyn Io>, ConnectError> {
        let (proxy, host) = (|| self.origin.clone(), || to.host().to_owned());
        let failed = |source| ConnectError::Proxy { proxy: proxy(), host: host(), source };
        let begun = http1::Builder::new().max_buf_size(MAX_HEAD_BYTES).handshake(TokioIo::new(io)).await;
        let (mut sender, connection) = begun.map_err(failed)?;
        // Ends when the tunnel is there, or with the sender.
        tokio::spawn(connection.with_upgrades());

        let mut request =
            Request::connect(to.host_and_port()).body(Empty::<Bytes>::new()).unwrap_or_default();
        // It was parsed as a part of a URI.
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
